"""The tied head: a token is likely to come next if its embedding is like x."""

from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.comparing import same
from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers

VARIES = "differs from call to call"


def settled(solution: Any, x: Tensor, wte: Tensor) -> Any:
    """An answer's logits; or that it gave others when it was asked again."""
    first, second = solution.head(x, wte), solution.head(x, wte)
    return first if same(first, second) else VARIES


def by_hand(solution: Any) -> Any:
    """A token (1, 2) and a token (0, -1), and four embeddings."""
    x = torch.tensor([[[1.0, 2.0], [0.0, -1.0]]])
    return settled(solution, x, torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-2.0, 0.5]]))


def batch(solution: Any) -> Any:
    """Two texts of five tokens."""
    return settled(solution, numbers(2, 5, 12), numbers(61, 12, seed=1))


def from_token_to_token(solution: Any) -> Any:
    """Difference of the logits at two positions, in which no bias shows."""
    several = [solution.head(numbers(1, 2, 3), numbers(4, 3, seed=1)) for _ in range(2)]
    first, second = (logits[:, 1:] - logits[:, :1] for logits in several)
    return first if same(first, second) else VARIES


def what_wte_learns(solution: Any) -> Any:
    """The gradient of wte, of the first logit of each position."""
    x, wte = numbers(1, 2, 3), numbers(4, 3, seed=1).requires_grad_()
    logits = solution.head(x, wte)
    if logits.requires_grad:
        logits[..., 0].sum().backward()
    return "no gradient" if wte.grad is None else wte.grad


EXERCISE = exercise_in(
    __file__,
    title="The tied head",
    task="""\
After the last block each token has C numbers, x, that say what may come next. The head scores every token of the
vocabulary: the score (logit) of a token is the product of x with that token's embedding, its row in wte.

    logits = x wte^T

So GPT-2's head has no weights of its own: it is tied to the embedding.""",
    symbols={"head": "nextword.model.plain:head"},
    hints=(
        "x is (B, T, C) and wte (V, C). The result is (B, T, V): a matrix product, with one of them transposed.",
        "wte.T is (C, V). No softmax, no bias, no copy.",
    ),
    reference="layer",
    probes=(
        Probe("two tokens of two numbers, and four embeddings", by_hand),
        Probe("two texts of five tokens, and 61 embeddings", batch),
        Probe("how much the logits of two tokens differ", from_token_to_token),
        Probe("what the embeddings learn from the logits", what_wte_learns),
    ),
)
