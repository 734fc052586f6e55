"""Heads: split each token's numbers among them, and put them side by side again."""

from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import CONFIG, numbers


def split(solution: Any, x: Tensor, n_head: int) -> Any:
    """x split; a float size is told apart from any other error."""
    try:
        return solution.split_heads(x, n_head)
    except TypeError as refusal:
        if "float" in str(refusal):
            return "TypeError: a size must be an int, and is a float"
        raise


def merged(solution: Any, x: Tensor) -> Any:
    """x merged; PyTorch's refusal of a view is told apart from any other error."""
    try:
        return solution.merge_heads(x)
    except RuntimeError as refusal:
        if "view size" in str(refusal):
            return f"RuntimeError: {refusal}"
        raise


def split_small(solution: Any) -> Any:
    """Three tokens; number i of token t is 10 t + i, to show its destination."""
    x = 10 * torch.arange(3.0).view(3, 1) + torch.arange(8)
    return split(solution, x[None], 2)


def merge_small(solution: Any) -> Any:
    """Two heads; number d of token t in head h is 100 h + 10 t + d."""
    x = 100 * torch.arange(2.0).view(2, 1, 1) + 10 * torch.arange(3.0).view(3, 1) + torch.arange(4)
    return merged(solution, x[None])


def split_texts(solution: Any) -> Any:
    """Two texts of five tokens."""
    return split(solution, numbers(2, 5, CONFIG.n_embd), CONFIG.n_head)


def merge_texts(solution: Any) -> Any:
    """Two texts, three heads, five tokens, four numbers."""
    return merged(solution, numbers(2, CONFIG.n_head, 5, CONFIG.n_embd // CONFIG.n_head))


EXERCISE = exercise_in(
    __file__,
    title="Splitting into heads, and merging",
    task="""\
A token may want to know several things at once, so attention has several heads, which do not see each other. Each of
the H heads gets D = C / H of a token's C numbers: the first D go to the first head, the next D to the second.

split_heads makes (B, T, C) into (B, H, T, D): then texts and heads are what is treated alike, and tokens and numbers
are what is multiplied. merge_heads puts the heads side by side again: (B, H, T, D) into (B, T, C).""",
    symbols={
        "split_heads": "nextword.model.attention:split_heads",
        "merge_heads": "nextword.model.attention:merge_heads",
    },
    hints=(
        "A token's C numbers lie side by side. Cut them into H pieces of D first, without touching the tokens: "
        "x.view(B, T, n_head, D).",
        "Then exchange tokens and heads: .transpose(1, 2). Merging does the two steps backwards.",
        "After a transpose, view may refuse to join dimensions; reshape and flatten copy where they have to: "
        "x.transpose(1, 2).flatten(2).",
    ),
    reference="reshape_permute",
    probes=(
        Probe("split: three tokens of eight numbers, two heads", split_small),
        Probe("merge: two heads, three tokens, four numbers", merge_small),
        Probe("split: two texts of five tokens, three heads", split_texts),
        Probe("merge: two texts, three heads, five tokens, four numbers", merge_texts),
    ),
)
