"""The split: set the end of the text aside, to measure what the model has learned rather than remembered."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe

MISTAKES = (
    Mistake(
        name="trains-on-everything",
        equals="a split whose training part is the whole text",
        remedy="Let training end where validation begins: ids[:n].",
        why="The model has then seen every text that it is tested on. The validation loss follows the training loss "
        "down, and nobody sees that it only remembers.",
    ),
    Mistake(
        name="one-token-shared",
        equals="a split whose two parts share a token",
        remedy="Cut at one place: ids[:n] and ids[n:].",
        why="A slice leaves out its end, so both may use the same n.",
    ),
    Mistake(
        name="token-lost-between",
        equals="a split that loses the token between its parts",
        remedy="Cut at one place: ids[:n] and ids[n:].",
        why="ids[n:] begins with token n, which ids[:n] has left out. With n + 1 nobody has it.",
    ),
    Mistake(
        name="last-token-lost",
        equals="a split that loses the text's last token",
        remedy="Take the end with an open slice: ids[n:], not ids[n:-1].",
        why="A slice leaves out its end.",
    ),
    Mistake(
        name="random-tokens",
        equals="a split of shuffled tokens",
        remedy="Cut the text once, and leave its order alone: ids[:n] and ids[n:].",
        why="A text whose tokens are shuffled is no text. Independent examples may be drawn at random, "
        "but each token belongs to those around it.",
    ),
    Mistake(
        name="every-so-many",
        equals="a split that takes every so-many-th token for validation",
        remedy="Cut the text once, and leave its order alone: ids[:n] and ids[n:].",
        why="Both parts are then full of holes, and the model would learn a language with words missing.",
    ),
    Mistake(
        name="validation-first",
        equals="a split that validates on the text's beginning",
        remedy="Train on the first part, and validate on the last.",
        why="Either could be set aside. By custom it is the end; whoever compares losses must take the same one.",
    ),
    Mistake(
        name="parts-exchanged",
        equals="a split that returns validation before training",
        remedy="Return (train, val), in this order.",
        why="The model would train on a tenth of the text, and know it by heart in no time.",
    ),
    Mistake(
        name="fraction-inverted",
        equals="a split with as much for training as should be for validation",
        remedy="val_fraction is the share of validation: training ends at N - val_fraction * N.",
        why="Some libraries ask for the share of training, as in 0.9. Here 0.1 is the share of validation.",
    ),
    Mistake(
        name="fraction-ignored",
        equals="a split that validates on a tenth, whatever val_fraction is",
        remedy="Use val_fraction, not the number 0.1.",
        why="The default hides it until somebody asks for another share.",
    ),
    Mistake(
        name="zero-from-the-end",
        equals="a split that trains on nothing where val_fraction is 0",
        remedy="Compute the place from the beginning, n = len(ids) - n_val, and cut there: ids[:n] and ids[n:].",
        why="Counted from the end, ids[:-n_val] is right for every n_val but 0: -0 is 0, and ids[:0] is empty.",
    ),
    Mistake(
        name="minimum-missing",
        equals="a split that may set fewer than two tokens aside",
        remedy="Take at least two: n_val = max(2, round(val_fraction * len(ids))), unless val_fraction is 0.",
        why="One token to read and one to predict is the least that a loss can be measured on.",
    ),
    Mistake(
        name="minimum-always",
        equals="a split that sets two tokens aside even where val_fraction is 0",
        remedy="With val_fraction = 0 let training have everything.",
        why="Two tokens at least: that is for those who want validation at all.",
    ),
    Mistake(
        name="fraction-unchecked",
        equals="a split that takes any val_fraction, below 0 and above 1 too",
        remedy="Refuse it first: if not 0 <= val_fraction < 1: raise ValueError(...).",
        why="A mistyped share makes slices that run the wrong way round, and no error: 10 instead of 0.1 "
        "trains on nothing.",
    ),
    Mistake(
        name="one-accepted",
        equals="a split that takes val_fraction = 1 and has nothing left to train on",
        remedy="Refuse 1 as well: if not 0 <= val_fraction < 1: raise ValueError(...).",
        why="With all of the text set aside the first epoch is empty, and the error comes much later.",
    ),
    Mistake(
        name="zero-refused",
        equals="a split that refuses val_fraction = 0",
        remedy="Let 0 through: if not 0 <= val_fraction < 1: raise ValueError(...).",
        why="Who wants no validation says so by 0.",
    ),
)


def reference(on: Mistakes) -> Any:
    """The split of a text, with these mistakes."""

    def split(ids: Tensor, val_fraction: float = 0.1) -> tuple[Tensor, Tensor]:
        N = len(ids)
        allowed = 0 <= val_fraction < 1 or ("one-accepted" in on and val_fraction == 1)
        if (not allowed and "fraction-unchecked" not in on) or ("zero-refused" in on and val_fraction == 0):
            raise ValueError("val_fraction is a share, at least 0 and below 1")
        if "fraction-ignored" in on:
            val_fraction = 0.1
        if "fraction-inverted" in on:
            val_fraction = 1 - val_fraction
        least = 0 if "minimum-missing" in on else 2
        n_val = max(least, round(val_fraction * N)) if val_fraction or "minimum-always" in on else 0
        n = N - n_val
        if "random-tokens" in on:
            ids = ids[torch.randperm(N)]
        train, val = ids[:n], ids[n:]
        if "zero-from-the-end" in on and n_val == 0:
            train, val = ids[:0], ids
        if "validation-first" in on:
            train, val = ids[n_val:], ids[:n_val]
        if "every-so-many" in on and n_val:
            chosen = torch.arange(N) % round(1 / val_fraction) == 0
            train, val = ids[~chosen], ids[chosen]
        if "trains-on-everything" in on:
            train = ids
        if "one-token-shared" in on:
            val = ids[max(0, n - 1) :]
        if "token-lost-between" in on:
            val = val[1:]
        if "last-token-lost" in on:
            val = val[:-1]
        return (val, train) if "parts-exchanged" in on else (train, val)

    return SimpleNamespace(split=split)


def tokens(part: Any) -> str:
    """Which tokens a part holds, of a text whose tokens are 0, 1, 2, ..."""
    ids = torch.as_tensor(part).tolist()
    steps = {b - a for a, b in pairwise(ids)}
    if not ids:
        return "nothing"
    if steps <= {1}:
        return f"tokens {ids[0]} to {ids[-1]}"
    return f"{len(ids)} tokens {'with gaps' if min(steps) > 0 else 'in disorder'}"


def refused(solution: Any) -> Any:
    """Which shares are refused, by whatever error; a good one is tried before, for answers that always stop."""
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
    """Which tokens go where."""

    def run(solution: Any) -> Any:
        train, val = solution.split(torch.arange(n_tokens), **val_fraction)
        return {"train": tokens(train), "val": tokens(val)}

    given = f"val_fraction = {val_fraction['val_fraction']}" if val_fraction else "the default val_fraction"
    return Probe(f"the text 0, 1, ..., {n_tokens - 1} with {given}", run)


EXERCISE = Exercise(
    name="split",
    title="Training and validation",
    task="""\
A model that has learned its text by heart knows nothing of the next one. To see the difference, set a part of the
text aside, never train on it, and measure the loss there as well.

Neighbouring tokens belong together, so the part is not drawn at random: it is the end of the text. And the cut is made
before any window, so that no window reaches across it.

The part is val_fraction of the text, but at least two tokens: one to read, one to predict. With val_fraction = 0 there
is no such part; and what is no share, below 0 or from 1 on, is a ValueError.""",
    symbols={"split": "nextword.data.windows:split"},
    stub='''
from torch import Tensor


def split(ids: Tensor, val_fraction: float = 0.1) -> tuple[Tensor, Tensor]:
    """@split"""
    ...
''',
    hints=(
        "How many tokens are for validation? round(val_fraction * len(ids)).",
        "Training gets the tokens before n = len(ids) - n_val, validation those from n on: two slices.",
        "Try val_fraction = 0: training should get everything, and validation nothing. And of twenty tokens with "
        "val_fraction = 0.05, validation should get two.",
    ),
    mistakes=MISTAKES,
    reference=reference,
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
