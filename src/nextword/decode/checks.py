"""What every engine refuses, in the same words: rows that are not there or full, and ids that no model can read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nextword.config import GPTConfig
from nextword.decode.sampling import Sampling
from nextword.errors import NotFiniteError

if TYPE_CHECKING:
    from nextword.decode.engine import Engine


def check_sampling(sampling: Sampling, config: GPTConfig) -> None:
    """Raise ValueError where logit_bias or allowed_ids name an id that the model does not have."""
    for name, ids in (("logit_bias", sampling.logit_bias), ("allowed_ids", sampling.allowed_ids)):
        if ids and max(ids) >= config.n_vocab:
            raise ValueError(f"{name}: id {max(ids)} is outside the vocabulary, 0 to {config.n_vocab - 1}.")


def check_text(ids: Sequence[int], config: GPTConfig) -> None:
    """Raise ValueError unless a model of this shape can read these ids."""
    if not 1 <= len(ids) <= config.n_ctx:
        raise ValueError(f"{len(ids)} tokens cannot be read at once: give 1 to n_ctx = {config.n_ctx} of them.")
    if wrong := [id for id in ids if not 0 <= id < config.n_vocab]:
        raise ValueError(
            f"id {wrong[0]} is outside the vocabulary, 0 to {config.n_vocab - 1}: was it made by another tokenizer?"
        )


def check_row(engine: "Engine", row: int) -> None:
    """Raise ValueError unless the engine has this row."""
    if not 0 <= row < engine.n_rows:
        raise ValueError(f"there is no row {row}: this engine has the rows 0 to {engine.n_rows - 1}.")


def room_after(engine: "Engine", row: int, length: int) -> int:
    """How many tokens can be written on a row that holds so many. Raises ValueError where it holds none."""
    if length == 0:
        raise ValueError(f"row {row} has read nothing yet: read() comes before all else.")
    return engine.config.n_ctx + 1 - length


def check_write(engine: "Engine", rows: Sequence[int], numbers: NDArray[np.float64]) -> None:
    """Raise ValueError unless there are numbers (n, R) for these rows, each of which has room for n tokens."""
    n = len(numbers)
    if numbers.shape != (n, len(rows)) or len(set(rows)) != len(rows):
        raise ValueError(
            f"numbers must be of the shape (tokens, rows), for rows that differ: "
            f"not {numbers.shape} for the rows {list(rows)}."
        )
    for row in rows:
        if (room := engine.room(row)) < n:
            raise ValueError(f"row {row} has room for {room} tokens, not for {n}: read a shorter text.")


def check_finite(logits: NDArray[np.float32]) -> None:
    """Raise NotFiniteError where NaN or infinity is among logits (..., V)."""
    if not np.isfinite(logits).all():
        raise not_finite(bool(np.isnan(logits).any()))


def not_finite(has_nan: bool) -> NotFiniteError:
    """Make the error for logits by which no token can be chosen."""
    return NotFiniteError(
        f"the model computes {'NaN' if has_nan else 'infinity'} after this text, by which no token can be chosen. Its "
        "weights are damaged or come from a training that diverged, or its numbers outgrow their type: take an "
        "earlier checkpoint, or use float32."
    )


def check_advance(engine: "Engine", rows: Sequence[int]) -> None:
    """Raise ValueError unless these rows hold texts whose next token can be scored."""
    for row in rows:
        if engine.room(row) == 0:
            raise ValueError(f"row {row} holds {engine.config.n_ctx} tokens and cannot see one more: read anew.")


def check_copy(engine: "Engine", row: int, onto: Sequence[int]) -> None:
    """Raise ValueError unless what this row holds can be copied onto these others."""
    engine.room(row)
    for other in onto:
        check_row(engine, other)
    if row in onto or len(set(onto)) != len(onto):
        raise ValueError(f"row {row} cannot be copied onto the rows {list(onto)}: give others, all different.")


def check_put(engine: "Engine", rows: Sequence[int], ids: Sequence[int]) -> None:
    """Raise ValueError unless these ids can be put on these rows."""
    if len(rows) != len(ids) or len(set(rows)) != len(rows):
        raise ValueError(f"{len(ids)} ids cannot be put on the rows {list(rows)}: give one for each, all different.")
    for row, id in zip(rows, ids, strict=True):
        check_text([id], engine.config)
        if engine.room(row) == 0:
            raise ValueError(f"row {row} has no room for one more token: read a shorter text.")
