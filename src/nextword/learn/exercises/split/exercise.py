"""The split: set the end of the text aside to measure learning rather than memory."""

from itertools import pairwise
from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


def tokens(part: Any) -> str:
    """The tokens of a part, for a text of tokens 0, 1, 2, ..."""
    ids = torch.as_tensor(part).tolist()
    steps = {b - a for a, b in pairwise(ids)}
    if not ids:
        return "nothing"
    if steps <= {1}:
        return f"tokens {ids[0]} to {ids[-1]}"
    return f"{len(ids)} tokens {'with gaps' if min(steps) > 0 else 'in disorder'}"


def refused(solution: Any) -> Any:
    """The shares refused with any error; a good one is tried before, for answers that always stop."""
    solution.split(torch.arange(20), 0.25)
    found = {}
    for val_fraction in (-0.25, 1.0, 1.5):
        try:
            solution.split(torch.arange(20), val_fraction)
        except Exception:
            found[f"val_fraction = {val_fraction}"] = "an error"
        else:
            found[f"val_fraction = {val_fraction}"] = "no error"
    return found


def parts(n_tokens: int, **val_fraction: float) -> Probe:
    """The tokens of both parts."""

    def run(solution: Any) -> Any:
        train, val = solution.split(torch.arange(n_tokens), **val_fraction)
        return {"train": tokens(train), "val": tokens(val)}

    given = f"val_fraction = {val_fraction['val_fraction']}" if val_fraction else "the default val_fraction"
    return Probe(f"the text 0, 1, ..., {n_tokens - 1} with {given}", run)


EXERCISE = exercise_in(
    __file__,
    title="Training and validation",
    task="""\
A model that has learned its text by heart knows nothing of the next one. To see the difference, set a part of the
text aside, never train on it, and measure the loss there as well.

Neighbouring tokens belong together, so the part is not drawn at random: it is the end of the text. And the cut is made
before any window, so that no window reaches across it.

The part is val_fraction of the text, but at least two tokens: one to read, one to predict. With val_fraction = 0 there
is no such part; and what is no share, below 0 or from 1 on, is a ValueError.""",
    symbols={"split": "nextword.data.windows:split"},
    hints=(
        "How many tokens are for validation? round(val_fraction * len(ids)).",
        "Training gets the tokens before n = len(ids) - n_val, validation those from n on: two slices.",
        "Try val_fraction = 0: training should get everything, and validation nothing. And of twenty tokens with "
        "val_fraction = 0.05, validation should get two.",
    ),
    reference="count_of_training",
    probes=(
        parts(20, val_fraction=0.25),
        parts(20),
        parts(40, val_fraction=0.5),
        parts(20, val_fraction=0.0),
        parts(80, val_fraction=0.125),
        parts(20, val_fraction=0.05),
        Probe("what is no share", refused),
    ),
)
