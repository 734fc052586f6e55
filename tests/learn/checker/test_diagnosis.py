"""What answers are called that make several mistakes at once, as first attempts do."""

import pytest

from nextword.learn.checker.diagnosis import diagnose
from nextword.learn.checker.styles import run_source
from nextword.learn.checker.track import TRACK

EVALUATE = """
import torch.nn.functional as F
def evaluate(model, batches):
    losses = [F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item() for x, y in batches]
    return sum(losses) / len(losses)
"""

GENTLER = EVALUATE.replace("    losses", "    model.eval()\n    losses")

PERPLEXITY = """
import numpy as np
def perplexity(losses, counts):
    return np.exp(losses).mean()
"""


@pytest.mark.parametrize(
    "exercise, source, expected",
    [
        ("perplexity", PERPLEXITY, {"mean-of-exponentials", "unweighted"}),
        ("evaluate", EVALUATE, {"dropout-on", "graph-kept", "unweighted"}),
        ("evaluate", GENTLER, {"left-in-eval", "graph-kept", "unweighted"}),
    ],
)
def test_a_few_mistakes_together_are_all_named(exercise: str, source: str, expected: set[str]) -> None:
    diagnosis = diagnose(TRACK[exercise], run_source(source, exercise))
    assert set(diagnosis.names) == expected


def test_what_is_no_known_mistake_has_no_name_but_an_example() -> None:
    diagnosis = diagnose(TRACK["perplexity"], run_source("def perplexity(losses, counts): return 7.0", "seven"))
    assert diagnosis.status == "wrong"
    assert diagnosis.names == ()
    assert diagnosis.differences[0].yours == 7.0
