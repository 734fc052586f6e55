"""Continue a prompt, at once or as a stream: text in, text out."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Unpack

from nextword.decode.engine import Engine
from nextword.decode.loop import Notice, generate_ids
from nextword.decode.random_numbers import random_numbers
from nextword.decode.sampling import Sampling, SamplingArguments
from nextword.decode.stopping import until_stop
from nextword.errors import SettingError

if TYPE_CHECKING:
    from nextword.model import GPT
    from nextword.tokenizer import Tokenizer


def generate(
    model: "GPT | Engine",
    tokenizer: "Tokenizer",
    prompt: str,
    *,
    max_new_tokens: int = 100,
    seed: int | None = None,
    index: int = 0,
    stop: Sequence[str] = (),
    **sampling: Unpack[SamplingArguments],
) -> str:
    """Continue the prompt, and give both as one text; see `stream`."""
    pieces = stream(
        model, tokenizer, prompt, max_new_tokens=max_new_tokens, seed=seed, index=index, stop=stop, **sampling
    )
    return prompt + "".join(pieces)


def stream(
    model: "GPT | Engine",
    tokenizer: "Tokenizer",
    prompt: str,
    *,
    max_new_tokens: int = 100,
    seed: int | None = None,
    index: int = 0,
    stop: Sequence[str] = (),
    notice: Notice | None = None,
    **sampling: Unpack[SamplingArguments],
) -> Iterator[str]:
    """Continue the prompt, and yield the new text piece by piece.

    The pieces are whole characters; joined, they are the new text without the
    prompt. An empty prompt begins a fresh document, as <|endoftext|> does,
    which is id 50256 in a prompt too (see `Tokenizer.encode_prompt`).
    Writing ends after max_new_tokens, at <|endoftext|>, or before the first of
    the `stop` texts. sampling: the fields of `Sampling`. The same seed gives the
    same text, here as on the command line, from the server and on its page; None
    draws a new one each time. index: which of several texts with that seed this
    is, the first being 0. `notice` is called with a line of text when the window
    slides. Raises SettingError for an argument that means nothing, before anything
    is written.
    """
    check_settings(max_new_tokens, seed, stop)
    if not 0 <= index < 2**64:
        raise SettingError("index", f"must be at least 0 and below 2**64, not {index}.")
    settings = Sampling(**sampling)
    ids = tokenizer.encode_prompt(prompt)
    rng = random_numbers(seed, index, len(ids))

    def pieces() -> Iterator[str]:
        decoder = tokenizer.stream()
        new_ids = generate_ids(model, ids, settings, rng, notice)
        for _, id in zip(range(max_new_tokens), new_ids, strict=False):
            if id == tokenizer.eot_id:
                break
            yield decoder.feed(id)
        yield decoder.finish()

    return until_stop(pieces(), stop)


def check_settings(max_new_tokens: int, seed: int | None, stop: Sequence[str]) -> None:
    """Raise SettingError for settings of `stream` that mean nothing; `Sampling` checks its own."""
    if max_new_tokens < 0:
        raise SettingError("max_new_tokens", f"must be at least 0, not {max_new_tokens}.")
    if seed is not None and not 0 <= seed < 2**64:
        raise SettingError("seed", f"must be at least 0 and below 2**64, not {seed}.")
    if "" in stop or isinstance(stop, str):
        raise SettingError("stop", "must be a list of texts with at least one character each.")
