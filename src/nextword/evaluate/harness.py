"""lm-evaluation-harness with nextword's models: `nextword eval MODEL --harness TASKS`.

    python -m nextword.evaluate.harness run --model nextword --model_args pretrained=gpt2 --tasks lambada_openai

is the harness's own command line, which knows the model `nextword` besides its own. (It looks for no plug-ins, so it
has to be begun this way.) Needs the package `lm-eval`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import register_model

from nextword.decode import generate_batch
from nextword.evaluate.scoring import Request, score
from nextword.evaluate.text import rolling_windows
from nextword.model import GPT
from nextword.tokenizer import Tokenizer

WRITTEN = 256
"""Tokens to write where a task does not say how many; the harness's own models have the same."""


@register_model("nextword")
class HarnessModel(TemplateLM):  # type: ignore[misc]
    """A model of nextword's for lm-evaluation-harness.

    pretrained: what `nextword.load` takes, or a GPT, with its tokenizer. dtype: the format of matrix products. What
    the harness says besides, such as batch_size, is of no use here.
    """

    def __init__(
        self,
        pretrained: str | GPT = "gpt2",
        tokenizer: Tokenizer | None = None,
        dtype: str = "float32",
        device: str | None = None,
        **_: Any,
    ):
        super().__init__()
        if isinstance(pretrained, GPT):
            assert tokenizer is not None
            self._model, self._tokenizer = pretrained, tokenizer
        else:
            from nextword.loading import load

            self._model, self._tokenizer = load(pretrained, device or "auto")
        self._dtype: torch.dtype = getattr(torch, dtype)

    @property
    def eot_token_id(self) -> int:
        """The token that stands before a text without a context."""
        return self._tokenizer.eot_id or 0

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """Encode a text."""
        return self._tokenizer.encode(string)

    def _loglikelihood_tokens(self, requests: Sequence[Any], **_: Any) -> list[tuple[float, bool]]:
        """Score continuations; those that have one context are put together."""
        by_context: dict[tuple[int, ...], list[int]] = {}
        for i, (_pair, context, _end) in enumerate(requests):
            by_context.setdefault(tuple(context), []).append(i)
        asked = [Request(context, tuple(requests[i][2] for i in places)) for context, places in by_context.items()]
        found: dict[int, tuple[float, bool]] = {}
        for places, scores in zip(by_context.values(), score(self._model, asked, self._dtype), strict=True):
            found |= {i: (scored.logprob, scored.is_greedy) for i, scored in zip(places, scores, strict=True)}
        answers = [found[i] for i in range(len(requests))]
        for (pair, *_), answer in zip(requests, answers, strict=True):
            if pair is not None:
                self.cache_hook.add_partial("loglikelihood", pair, answer)
        return answers

    def loglikelihood_rolling(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[float]:
        """Score whole texts, each after the first token, in windows that do not overlap."""
        asked, places = [], []
        for i, (text,) in enumerate(request.args for request in requests):
            ids = [self.eot_token_id, *self.tok_encode(text)]
            for start, scored, end in rolling_windows(len(ids), self._model.config.n_ctx, self._model.config.n_ctx):
                asked.append(Request(ids[start:scored], (ids[scored:end],)))
                places.append(i)
        totals = [0.0] * len(requests)
        for i, (found,) in zip(places, score(self._model, asked, self._dtype), strict=True):
            totals[i] += found.logprob
        for request, total in zip(requests, totals, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", request.args, total)
        return totals

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        """Write on until one of the texts that a task names, or <|endoftext|>."""
        answers = []
        for context, settings in (request.args for request in requests):
            until = settings.get("until") or []
            new = int(settings.get("max_gen_toks", WRITTEN))
            room = max(1, self._model.config.n_ctx - new)
            prompt = self._tokenizer.decode(self.tok_encode(context)[-room:])
            drawn = settings.get("do_sample", False)
            [whole] = generate_batch(
                self._model,
                self._tokenizer,
                [prompt],
                max_new_tokens=new,
                seed=0,
                stop=[until] if isinstance(until, str) else list(until),
                temperature=float(settings.get("temperature", 1.0)) if drawn else 0.0,
                top_k=settings.get("top_k"),
                top_p=float(settings.get("top_p", 1.0)),
            )
            answers.append(whole.removeprefix(prompt))
            self.cache_hook.add_partial("generate_until", (context, settings), answers[-1])
        return answers


def main() -> None:
    """Run the harness's own command line."""
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()


if __name__ == "__main__":
    from nextword.evaluate.harness import main as run  # under its own name, by which the model is registered once

    run()
