"""Heads: split each token's numbers among them, and put them side by side again."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import CONFIG, numbers


def reference(on: Mistakes) -> Any:
    """Splitting and merging in float64, with these mistakes."""

    def split_heads(x: Tensor, n_head: int) -> Tensor:
        x = x.double()
        B, T, C = x.shape
        H, D = n_head, C // n_head
        if "split-float-size" in on:
            raise TypeError("a size is a float")
        if "split-swapped" in on:
            H, D = D, H
        if "split-by-view" in on:
            return x.reshape(B, H, T, D)
        parts = x.view(B, T, D, H).mT if "split-interleaved" in on else x.view(B, T, H, D)
        if "split-untransposed" in on:
            return parts
        return parts.permute(0, 2, 3, 1) if "split-for-keys" in on else parts.permute(0, 2, 1, 3)

    def merge_heads(x: Tensor) -> Tensor:
        x = x.double()
        B, H, T, D = x.shape
        if "merge-by-view" in on:
            return x.reshape(B, T, H * D)
        if "merge-last-two" in on:
            return x.mT.reshape(B, T, H * D)
        if "merge-untransposed" in on:
            return x.reshape(B, H, T * D)
        if "merge-one-behind-another" in on:
            return x.reshape(B, H * T, D)
        if "merge-added" in on:
            return x.sum(1)
        side_by_side = x.transpose(1, 2)
        if "merge-unjoined" in on:
            return side_by_side
        if "merge-view-refused" in on:
            return side_by_side.view(B, T, H * D)
        return (side_by_side.mT if "merge-interleaved" in on else side_by_side).reshape(B, T, H * D)

    return SimpleNamespace(split_heads=split_heads, merge_heads=merge_heads)


def split(solution: Any, x: Tensor, n_head: int) -> Any:
    """x split; or that a size was a float, which is another thing than any other error."""
    try:
        return solution.split_heads(x, n_head)
    except TypeError as refusal:
        if "float" in str(refusal):
            return "TypeError: a size must be an int, and is a float"
        raise


def merged(solution: Any, x: Tensor) -> Any:
    """x merged; or what PyTorch says where it refuses a view, which is another thing than any other error."""
    try:
        return solution.merge_heads(x)
    except RuntimeError as refusal:
        if "view size" in str(refusal):
            return f"RuntimeError: {refusal}"
        raise


def split_small(solution: Any) -> Any:
    """Three tokens; number i of token t is 10 t + i, so that one sees where it went."""
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
    reference=reference,
    probes=(
        Probe("split: three tokens of eight numbers, two heads", split_small),
        Probe("merge: two heads, three tokens, four numbers", merge_small),
        Probe("split: two texts of five tokens, three heads", split_texts),
        Probe("merge: two texts, three heads, five tokens, four numbers", merge_texts),
    ),
)
