"""Verifying: compare a loaded model's logits with the expected ones."""

from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers, token_ids
from nextword.model import GPT, GPTConfig, plain


class Known(nn.Module):
    """A model with known logits, others in training mode, and a record of its calls."""

    def __init__(self, logits: Tensor, training: bool = False):
        super().__init__()
        self.logits = nn.Parameter(logits)
        self.with_gradients = False
        self.train(training)

    def forward(self, ids: Tensor) -> Tensor:
        """Known logits of these texts, whose ids are their numbers: all at once, or one by one."""
        self.with_gradients = torch.is_grad_enabled()
        return self.logits[ids[:, 0]] + 3.0 * self.training


EXPECTED = torch.tensor([[[1.0, -2.0, 0.5], [0.5, 4.0, -1.0]], [[3.0, 1.0, 2.0], [-4.0, 0.5, 2.0]]])
"""Logits of two texts, with two positions each, over three tokens."""


def measure(solution: Any, change: Tensor, expected: Tensor = EXPECTED, tolerance: float = 1.0) -> Any:
    """The result for a model with logits wrong by `change`."""
    return solution.verify(Known(expected + change), ids_of(expected), expected, tolerance)


def ids_of(expected: Tensor) -> Tensor:
    """Ids for as many texts of the same length as the logits: text 1 is 1, 1, 1."""
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
    """A difference of 0.5, where 0.4 are allowed: an error is expected."""
    return measure(solution, torch.full((2, 2, 3), 0.5), tolerance=0.1)


def large_logits(solution: Any) -> Any:
    """A difference of 0.005 in logits of up to 100, with 0.01 allowed."""
    expected = torch.tensor([[[100.0, 50.0, -64.0]]])
    return bool(measure(solution, torch.tensor([[[0.0, 0.005, 0.0]]]), expected, 1e-4) < 0.006)


def negative_logits(solution: Any) -> Any:
    """A difference of 0.125 in negative logits, with 0.8 allowed."""
    return measure(solution, torch.tensor([[[0.125, 0.0, 0.0]]]), torch.tensor([[[-2.0, -8.0, -4.0]]]), 0.1)


def not_a_number(solution: Any) -> Any:
    """A model with a NaN: an error is expected."""
    return measure(solution, torch.tensor([[[0.0, torch.nan, 0.0]]]), EXPECTED[:1, :1])


def in_training(solution: Any) -> Any:
    """A right model in training mode, with dropout."""
    return solution.verify(Known(EXPECTED, training=True), ids_of(EXPECTED), EXPECTED, 10.0)


def afterwards(solution: Any) -> Any:
    """A model's mode afterwards, from training mode and from eval mode."""
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
    """A GPT-2 with the weights of another with two heads, not three; ids, and the other's logits."""
    shape = GPTConfig(n_vocab=7, n_ctx=4, n_embd=6, n_head=2, n_layer=1, dropout=0.0)
    right, wrong = GPT(shape, ops=plain), GPT(replace(shape, n_head=3), ops=plain)
    with torch.no_grad():
        for seed, parameter in enumerate(right.parameters()):
            parameter.copy_(numbers(*parameter.shape, seed=seed))
    wrong.load_state_dict(right.state_dict())
    ids = token_ids(2, 4) % shape.n_vocab
    return wrong, ids, right(ids).detach()


def another_n_head(solution: Any) -> Any:
    """A GPT-2 of two heads, loaded as one of three: an error is expected."""
    return solution.verify(*wrong_heads())


EXERCISE = exercise_in(
    __file__,
    title="Verifying that a model is exact",
    task="""\
A model can load without an error, write almost like GPT-2, and yet be wrong: a square matrix that was not transposed,
12 heads where there should be 16, another GELU. No shape tells. What tells is to compare its logits with known ones,
for the same ids: an exact model differs by rounding only.

Run the model in eval mode and without gradients, and leave it in the mode that it was in. Give back the largest
absolute difference, over all texts, positions and tokens. How much is rounding depends on how large the numbers are:
raise ValueError if the difference is above tolerance times the largest absolute expected logit, or if it is NaN.""",
    symbols={"verify": "nextword.weights.plain:verify"},
    hints=(
        "Remember model.training, call model.eval(), compute logits inside with torch.no_grad():, and call "
        "model.train(...) with what you remembered.",
        "The difference is (logits - expected).abs().max(), and .item() makes it a number.",
        "if not difference <= tolerance * expected.abs().max(): raise ValueError(...). This way round NaN is refused, "
        "since every comparison with NaN is false.",
    ),
    reference="straight",
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
