"""The writing loop: read the prompt, choose a token, read that, choose again."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nextword.decode.checks import check_sampling
from nextword.decode.engine import Engine
from nextword.decode.engines import engine_for
from nextword.decode.sampler import Sampler
from nextword.decode.sampling import Sampling

if TYPE_CHECKING:
    from nextword.model import GPT

Notice = Callable[[str], object]
"""Called with one line of text when something happens that a user should know."""


def generate_ids(
    model: "GPT | Engine",
    ids: Sequence[int],
    sampling: Sampling,
    rng: np.random.Generator | None = None,
    notice: Notice | None = None,
) -> Iterator[int]:
    """Write token after token, without end: the caller stops when it has enough.

    ids: the prompt, at least one token. `rng` gives one number for each token.
    When the text outgrows n_ctx the window slides; since positions count from
    the window's start, all of it must then be read anew, so it slides by half
    of n_ctx at once: the model always sees at least the last n_ctx / 2 tokens.
    Dropout is off, whatever mode the model is in. Of an Engine, row 0 is used.
    Raises ValueError for an empty prompt.
    """
    if not ids:
        raise ValueError("There is no token to begin from: give at least one id, such as 50256 (<|endoftext|>).")
    engine, rng = engine_for(model), rng or np.random.default_rng()
    check_sampling(sampling, engine.config)
    n_ctx = engine.config.n_ctx
    text, sampler = list(ids), Sampler(sampling, ids)
    if notice is not None and len(text) > n_ctx:
        notice(
            f"The prompt has {len(text)} tokens, more than n_ctx = {n_ctx}: the first new token is chosen from the "
            f"last {n_ctx} of them, and the next ones from the last {kept(n_ctx)} to {n_ctx} of the text."
        )
        notice = None
    engine.read(0, text[-n_ctx:])
    count = 1  # to ask for at once: the first token is wanted soon, later ones may come several at a time
    while True:
        if engine.remaining(0) == 0:
            engine.read(0, text[-kept(n_ctx) :])
            if notice is not None:
                notice(
                    f"The text has outgrown n_ctx = {n_ctx} tokens: "
                    f"from here on the model sees the last {kept(n_ctx)} to {n_ctx}."
                )
                notice = None
        numbers = rng.random((min(count, engine.remaining(0)), 1))
        for id in engine.sample([0], [sampler], numbers)[:, 0].tolist():
            text.append(id)
            yield id
        count = min(2 * count, engine.steps_per_call)


def kept(n_ctx: int) -> int:
    """Count the tokens of the text that are still seen when the window slides."""
    return max(1, n_ctx // 2)
