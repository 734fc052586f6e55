"""Verifying: does a model that was loaded give the logits that it should, or only something like them?"""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import numbers, token_ids
from nextword.model import GPT, GPTConfig, plain

MISTAKES = (
    Mistake(
        name="mean",
        equals="the mean difference instead of the largest",
        remedy="Take the maximum: (logits - expected).abs().max().",
        why="One token that is wrong among fifty thousand, or one position, disappears in the mean.",
    ),
    Mistake(
        name="mean-square",
        equals="the mean of the squared differences",
        remedy="Take the largest absolute difference: (logits - expected).abs().max().",
        why="Squaring makes small differences smaller still, and the mean hides what is wrong at one place.",
    ),
    Mistake(
        name="signed",
        equals="the largest difference with its sign: logits that are too small do not count",
        remedy="Take the absolute value before the maximum: (logits - expected).abs().max().",
        why="The maximum of numbers below zero is the smallest of the errors, not the largest.",
    ),
    Mistake(
        name="sign-of-max",
        equals="the difference of the largest logits",
        remedy="Subtract first, number by number, and then take the maximum of the absolute values.",
        why="The two largest logits may agree while all others do not, or belong to other tokens.",
    ),
    Mistake(
        name="argmax-only",
        equals="the share of positions at which the most likely token is another",
        remedy="Compare all logits: (logits - expected).abs().max().",
        why="The most likely token is often the right one although a model is quite wrong: "
        "a forgotten bias or another GELU does not change it.",
    ),
    Mistake(
        name="probabilities",
        equals="the largest difference of the probabilities",
        remedy="Compare the logits themselves, without softmax.",
        why="Most of fifty thousand probabilities are nearly 0, whatever their logits are. "
        "And softmax does not notice if all logits are shifted.",
    ),
    Mistake(
        name="each-relative",
        equals="the largest difference relative to each expected logit by itself",
        remedy="Divide nothing: give back the difference, and compare it with tolerance times the largest logit.",
        why="A logit that happens to be near 0 makes any rounding look large.",
    ),
    Mistake(
        name="relative-returned",
        equals="a right comparison that gives back the difference as a share of the largest logit",
        remedy="Give back the difference itself; only what is allowed is a share: tolerance * expected.abs().max().",
        why="It is as good a measure, but a caller expects logits' own unit.",
    ),
    Mistake(
        name="last-position-only",
        equals="the difference at the last position only",
        remedy="Compare all positions: leave logits as (B, T, V).",
        why="A mask that is wrong shows at the early positions: the last one may see everything in any case.",
    ),
    Mistake(
        name="first-text-only",
        equals="the difference in the first text only",
        remedy="Compare all texts: leave logits as (B, T, V).",
        why="What goes wrong across the texts of a batch would stay unseen.",
    ),
    Mistake(
        name="dropout-on",
        equals="the difference of a model that is still in training mode, with dropout",
        remedy="Call model.eval() first.",
        why="With dropout the logits are others at every call, and even a right model differs.",
    ),
    Mistake(
        name="left-in-eval",
        equals="a right comparison, after which the model is always in eval mode",
        remedy="Remember model.training before, and call model.train(training) after.",
        why="If training goes on afterwards, it goes on without dropout.",
    ),
    Mistake(
        name="left-in-training",
        equals="a right comparison, after which the model is always in training mode",
        remedy="Remember model.training before, and call model.train(training) after.",
        why="A model that was to write then writes with dropout.",
    ),
    Mistake(
        name="gradients-kept",
        equals="a right comparison, for which everything is kept that a gradient would need",
        remedy="Call the model inside with torch.no_grad():.",
        why="All that each layer computed stays in memory: for GPT-2 some gigabytes that nobody will use.",
    ),
    Mistake(
        name="no-error",
        equals="a function that only measures, and accepts everything",
        remedy="Raise ValueError where the difference is above tolerance * expected.abs().max().",
        why="A number that somebody has to look at is not looked at. A wrong n_head fits every shape; "
        "only this comparison finds it.",
    ),
    Mistake(
        name="tolerance-absolute",
        equals="a comparison with tolerance itself, however large the logits are",
        remedy="Allow tolerance times the largest expected logit: tolerance * expected.abs().max().",
        why="GPT-2's logits are about -100, where float32 rounds to 0.00001, and several layers of rounding add up "
        "to more than a tolerance that is fine for numbers of size 1.",
    ),
    Mistake(
        name="largest-with-sign",
        equals="a comparison with tolerance * expected.max(), which may be below zero",
        remedy="Measure the size by the absolute value: expected.abs().max().",
        why="GPT-2's logits are often all negative. Then nothing is allowed at all, and a right model is refused.",
    ),
    Mistake(
        name="nan-passes",
        equals="a comparison that NaN passes",
        remedy="Ask the other way round: if not difference <= allowed: raise ...",
        why="Every comparison with NaN is false, also difference > allowed. "
        "The model that computes nothing but NaN would be accepted.",
    ),
    Mistake(
        name="true-or-false",
        equals="a right comparison that gives back whether the model is exact",
        remedy="Return the difference itself: (logits - expected).abs().max().item().",
        why="How far a model is from exact says much about the mistake in it: rounding, a wrong GELU and a wrong "
        "n_head are of different size.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Verifying in float64, with these mistakes."""

    def verify(model: nn.Module, ids: Tensor, expected: Tensor, tolerance: float = 1e-4) -> float:
        training = model.training
        model.train("dropout-on" in on and training)
        with torch.set_grad_enabled("gradients-kept" in on):
            logits = model(ids).detach().double()
        model.train((training or "left-in-training" in on) and "left-in-eval" not in on)
        expected = expected.double()
        difference = measured(logits, expected)
        allowed = tolerance * float(expected.max() if "largest-with-sign" in on else expected.abs().max())
        if "tolerance-absolute" in on:
            allowed = tolerance
        accepted = not difference > allowed if "nan-passes" in on else difference <= allowed
        if not accepted and "no-error" not in on:
            raise ValueError("the logits differ")
        if "true-or-false" in on:
            return bool(accepted)
        return difference / float(expected.abs().max()) if "relative-returned" in on else difference

    def measured(logits: Tensor, expected: Tensor) -> float:
        if "last-position-only" in on:
            logits, expected = logits[:, -1:], expected[:, -1:]
        if "first-text-only" in on:
            logits, expected = logits[:1], expected[:1]
        if "argmax-only" in on:
            return float((logits.argmax(-1) != expected.argmax(-1)).double().mean())
        if "sign-of-max" in on:
            return float((logits.max() - expected.max()).abs())
        if "probabilities" in on:
            logits, expected = logits.softmax(-1), expected.softmax(-1)
        difference = logits - expected
        if "signed" not in on:
            difference = difference.abs()
        if "each-relative" in on:
            difference = difference / expected.abs()
        if "mean-square" in on:
            return float((difference**2).mean())
        return float(difference.mean() if "mean" in on else difference.max())

    return SimpleNamespace(verify=verify)


class Known(nn.Module):
    """A model that gives known logits, and others while it is in training mode; it notes how it was called."""

    def __init__(self, logits: Tensor, training: bool = False):
        super().__init__()
        self.logits = nn.Parameter(logits)
        self.with_gradients = False
        self.train(training)

    def forward(self, ids: Tensor) -> Tensor:
        """The known logits of these texts, each of which has its own number as its ids: all at once, or one by one."""
        self.with_gradients = torch.is_grad_enabled()
        return self.logits[ids[:, 0]] + 3.0 * self.training


EXPECTED = torch.tensor([[[1.0, -2.0, 0.5], [0.5, 4.0, -1.0]], [[3.0, 1.0, 2.0], [-4.0, 0.5, 2.0]]])
"""Logits of two texts, with two positions each, over three tokens."""


def measure(solution: Any, change: Tensor, expected: Tensor = EXPECTED, tolerance: float = 1.0) -> Any:
    """What is found for a model whose logits are wrong by `change`."""
    return solution.verify(Known(expected + change), ids_of(expected), expected, tolerance)


def ids_of(expected: Tensor) -> Tensor:
    """Ids for as many texts as there are logits of, and as long: text 1 is 1, 1, 1."""
    return torch.arange(expected.size(0)).unsqueeze(1).repeat(1, expected.size(1))


def three_logits(solution: Any) -> Any:
    """One text of one position, and a tolerance that allows all: one logit too large, one too small."""
    return measure(solution, torch.tensor([[[0.25, -0.5, 0.0]]]), EXPECTED[:1, :1])


def two_texts(solution: Any) -> Any:
    """One number in another place each time: the largest difference should be 0.5 each time."""
    found = []
    for place in ((0, 0, 1), (0, 1, 2), (1, 0, 0), (1, 1, 1)):
        change = torch.full((2, 2, 3), 0.125)
        change[place] = 0.5
        found.append(measure(solution, change))
    return found


def another_token(solution: Any) -> Any:
    """Differences by which the most likely token becomes another at one of four positions."""
    change = torch.zeros(2, 2, 3)
    change[1, 0] = torch.tensor([-1.0, 0.0, 0.25])
    return measure(solution, change)


def beyond(solution: Any) -> Any:
    """A difference of 0.5, where 0.4 are allowed: that should raise an error."""
    return measure(solution, torch.full((2, 2, 3), 0.5), tolerance=0.1)


def large_logits(solution: Any) -> Any:
    """A difference of 0.005 in logits of up to 100, where a ten-thousandth of that, 0.01, is allowed."""
    expected = torch.tensor([[[100.0, 50.0, -64.0]]])
    return bool(measure(solution, torch.tensor([[[0.0, 0.005, 0.0]]]), expected, 1e-4) < 0.006)


def negative_logits(solution: Any) -> Any:
    """A difference of 0.125 in logits that are all negative, where 0.8 are allowed."""
    return measure(solution, torch.tensor([[[0.125, 0.0, 0.0]]]), torch.tensor([[[-2.0, -8.0, -4.0]]]), 0.1)


def not_a_number(solution: Any) -> Any:
    """A model that gives a NaN: that should raise an error."""
    return measure(solution, torch.tensor([[[0.0, torch.nan, 0.0]]]), EXPECTED[:1, :1])


def in_training(solution: Any) -> Any:
    """A model that is right but in training mode, where it has dropout."""
    return solution.verify(Known(EXPECTED, training=True), ids_of(EXPECTED), EXPECTED, 10.0)


def afterwards(solution: Any) -> Any:
    """Which mode a model is in afterwards that was in training mode, or in eval mode, before."""
    modes = {}
    for mode in ("training", "eval"):
        model = Known(EXPECTED, training=mode == "training")
        solution.verify(model, ids_of(EXPECTED), EXPECTED, 10.0)
        modes[f"{mode} before"] = "training" if model.training else "eval"
    return modes


def with_gradients(solution: Any) -> Any:
    """Whether gradients are prepared while the model runs."""
    model = Known(EXPECTED)
    solution.verify(model, ids_of(EXPECTED), EXPECTED, 10.0)
    return model.with_gradients


@cache
def wrong_heads() -> tuple[GPT, Tensor, Tensor]:
    """A GPT-2 with the weights of another, which has two heads and not three; ids, and what the other makes of them."""
    shape = GPTConfig(n_vocab=7, n_ctx=4, n_embd=6, n_head=2, n_layer=1, dropout=0.0)
    right, wrong = GPT(shape, ops=plain), GPT(replace(shape, n_head=3), ops=plain)
    with torch.no_grad():
        for seed, parameter in enumerate(right.parameters()):
            parameter.copy_(numbers(*parameter.shape, seed=seed))
    wrong.load_state_dict(right.state_dict())
    ids = token_ids(2, 4) % shape.n_vocab
    return wrong, ids, right(ids).detach()


def another_n_head(solution: Any) -> Any:
    """A GPT-2 of two heads, loaded as one of three, which every shape allows: that should raise an error."""
    return solution.verify(*wrong_heads())


EXERCISE = Exercise(
    name="verify",
    title="Verifying that a model is exact",
    task="""\
A model can load without an error, write almost like GPT-2, and yet be wrong: a square matrix that was not transposed,
12 heads where there should be 16, another GELU. No shape tells. What tells is to compare its logits with known ones,
for the same ids: an exact model differs by rounding only.

Run the model in eval mode and without gradients, and leave it in the mode that it was in. Give back the largest
absolute difference, over all texts, positions and tokens. How much is rounding depends on how large the numbers are:
raise ValueError if the difference is above tolerance times the largest absolute expected logit, or if it is NaN.""",
    symbols={"verify": "nextword.weights.plain:verify"},
    stub='''
import torch
from torch import Tensor, nn


def verify(model: nn.Module, ids: Tensor, expected: Tensor, tolerance: float = 1e-4) -> float:
    """@verify"""
    ...
''',
    hints=(
        "Remember model.training, call model.eval(), compute logits inside with torch.no_grad():, and call "
        "model.train(...) with what you remembered.",
        "The difference is (logits - expected).abs().max(), and .item() makes it a number.",
        "if not difference <= tolerance * expected.abs().max(): raise ValueError(...). This way round NaN is refused, "
        "since every comparison with NaN is false.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("three logits, wrong by 0.25, -0.5 and 0", three_logits),
        Probe("two texts of two positions, each time wrong by 0.5 at another place", two_texts),
        Probe("two texts, with another token the most likely at one position", another_token),
        Probe("logits wrong by 0.5, where 0.4 is allowed", beyond),
        Probe("whether 0.005 is accepted in logits of up to 100", large_logits),
        Probe("logits that are all negative, wrong by 0.125", negative_logits),
        Probe("a logit that is NaN", not_a_number),
        Probe("a right model in training mode", in_training),
        Probe("the mode afterwards", afterwards),
        Probe("whether gradients are prepared", with_gradients),
        Probe("a GPT-2 with another number of heads", another_n_head),
    ),
)
