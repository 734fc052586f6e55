"""Continue many prompts at once: they share every forward pass, and a free row takes the next prompt."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Unpack

import numpy as np

from nextword.decode.checks import check_sampling
from nextword.decode.engine import Engine
from nextword.decode.engines import engine_for
from nextword.decode.loop import kept
from nextword.decode.random_numbers import random_numbers
from nextword.decode.sampler import Sampler
from nextword.decode.sampling import Sampling, SamplingArguments
from nextword.decode.stopping import Stopping
from nextword.decode.writing import check_settings

if TYPE_CHECKING:
    from nextword.model import GPT
    from nextword.tokenizer import Tokenizer


def generate_batch(
    model: "GPT | Engine",
    tokenizer: "Tokenizer",
    prompts: Sequence[str],
    *,
    max_new_tokens: int = 100,
    seed: int | None = None,
    stop: Sequence[str] = (),
    batch_size: int = 8,
    **sampling: Unpack[SamplingArguments],
) -> list[str]:
    """Continue each prompt, and give both as one text each, in the prompts' order.

    Each text is what it would be alone, but for the last digits of sums: it ends by itself, sees only itself,
    and has random numbers of its own, which the seed and its place in
    `prompts` decide. batch_size: how many are written side by side; an Engine
    has as many rows as it has. The other settings: see `stream`.
    """
    check_settings(max_new_tokens, seed, stop)
    if isinstance(prompts, str):
        raise ValueError("prompts must be a list of texts; one text is [text], or for generate().")
    texts = [Text(tokenizer, stop) for _ in prompts]
    generate_batch_ids(
        model,
        [tokenizer.encode_prompt(prompt) for prompt in prompts],
        Sampling(**sampling),
        lambda index, id: texts[index].take(id),
        max_new_tokens=max_new_tokens,
        seed=seed,
        batch_size=batch_size,
    )
    return [prompt + text.finish() for prompt, text in zip(prompts, texts, strict=True)]


def generate_batch_ids(
    model: "GPT | Engine",
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    take: Callable[[int, int], bool],
    *,
    max_new_tokens: int = 100,
    seed: int | None = None,
    batch_size: int = 8,
) -> None:
    """Continue every prompt, calling `take(index, id)` with each id until it returns False.

    index: the prompt's place in `prompts`, which are ids, at least one each.
    Text i draws from `random_numbers(seed, i, ...)`; without a seed, a new one
    is drawn for each. The window of a text that outgrows n_ctx slides as `generate_ids`
    has it. Raises ValueError for an empty prompt and a batch_size below 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}.")
    if not all(prompts):
        raise ValueError("A prompt has no token to begin from: give at least one id, such as 50256 (<|endoftext|>).")
    if not prompts or max_new_tokens == 0:
        return
    engine = engine_for(model, min(batch_size, len(prompts)))
    check_sampling(sampling, engine.config)
    n_ctx = engine.config.n_ctx
    rngs = [random_numbers(seed, index, len(ids)) for index, ids in enumerate(prompts)]
    samplers = [Sampler(sampling, ids) for ids in prompts]
    texts = [list(ids) for ids in prompts]
    left = [max_new_tokens] * len(prompts)
    waiting = iter(range(len(prompts)))
    free = list(range(engine.n_rows))
    at: dict[int, int] = {}  # row -> the index of the text that is being written there
    while True:
        for row, index in zip(list(free), waiting, strict=False):
            engine.read(row, texts[index][-n_ctx:])
            at[row] = index
            free.remove(row)
        if not at:
            return
        for row, index in at.items():
            if engine.remaining(row) == 0:
                engine.read(row, texts[index][-kept(n_ctx) :])
        count = min(engine.steps_per_call, *(min(engine.remaining(row), left[index]) for row, index in at.items()))
        numbers = np.stack([rngs[index].random(count) for index in at.values()], axis=1)  # (count, R)
        ids = engine.sample(list(at), [samplers[index] for index in at.values()], numbers)  # (count, R)
        for (row, index), new in zip(list(at.items()), ids.T.tolist(), strict=True):
            for id in new:
                texts[index].append(id)
                left[index] -= 1
                if not take(index, id) or left[index] == 0:
                    del at[row]
                    free.append(row)
                    break


class Text:
    """Decodes one text's ids up to <|endoftext|> or the first of the stop texts."""

    def __init__(self, tokenizer: "Tokenizer", stop: Sequence[str]):
        self._eot_id = tokenizer.eot_id
        self._decoder = tokenizer.stream()
        self._stopping = Stopping(stop)
        self._written: list[str] = []

    def take(self, id: int) -> bool:
        """Add a token; False where it ends the text."""
        if id == self._eot_id:
            return False
        self._written.append(self._stopping.add(self._decoder.feed(id)))
        return not self._stopping.is_over

    def finish(self) -> str:
        """Give the whole text, with the rest of a character that was cut off."""
        if not self._stopping.is_over:
            self._written += [self._stopping.add(self._decoder.finish()), self._stopping.end()]
        return "".join(self._written)
