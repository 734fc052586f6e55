"""Heads: split each token's numbers among them, and put them side by side again."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import CONFIG, numbers

MISTAKES = (
    Mistake(
        name="split-by-view",
        equals="split_heads by a single view to (B, H, T, D), which mixes the tokens up",
        remedy="First x.view(B, T, n_head, D), then transpose(1, 2): a token's numbers lie side by side in memory.",
        why="view only cuts the row of numbers elsewhere, and here a head would get whole tokens, and be given the "
        "future with them. If merge_heads does the same backwards, not even their round trip shows it.",
    ),
    Mistake(
        name="split-untransposed",
        equals="split_heads without the transpose: (B, T, H, D)",
        remedy="Exchange tokens and heads at the end: .transpose(1, 2).",
        why="Attention multiplies the last two dimensions. Here they would be heads and numbers, "
        "and the heads of a token would attend to each other.",
    ),
    Mistake(
        name="split-interleaved",
        equals="split_heads that deals the numbers out in turn: every H-th one to the same head",
        remedy="Give neighbouring numbers to the same head: view(B, T, n_head, D), with n_head before D.",
        why="A model that is trained so does as well. Official weights have the first D numbers in the first head.",
    ),
    Mistake(
        name="split-swapped",
        equals="split_heads with the sizes of H and D exchanged: D heads of H numbers",
        remedy="The number of heads is given, and each has C // n_head numbers: view(B, T, n_head, C // n_head).",
        why="All products still fit, and with as many heads as numbers in each nothing shows.",
    ),
    Mistake(
        name="split-for-keys",
        equals="split_heads that gives (B, H, D, T), with the tokens last",
        remedy="Let tokens come before numbers: permute(0, 2, 1, 3).",
        why="Keys are turned round so for the scores, but there, and not for queries and values.",
    ),
    Mistake(
        name="merge-by-view",
        equals="merge_heads by a single view to (B, T, C), which mixes the tokens up",
        remedy="First transpose(1, 2) back to (B, T, H, D), and then join the last two dimensions.",
        why="A head's numbers for all tokens lie one behind another, so that the first token would be "
        "given numbers of later ones.",
    ),
    Mistake(
        name="merge-interleaved",
        equals="merge_heads that takes one number of each head in turn",
        remedy="Put whole heads side by side: transpose(1, 2), then reshape(B, T, C), with H before D.",
        why="A model trained so does as well. In official weights c_proj expects the first head's numbers first.",
    ),
    Mistake(
        name="merge-last-two",
        equals="merge_heads that exchanges tokens and numbers instead of heads and tokens",
        remedy="Exchange heads and tokens: x.transpose(1, 2), not x.transpose(-2, -1).",
        why="The shape is right in the end, since reshape asks no questions.",
    ),
    Mistake(
        name="merge-unjoined",
        equals="merge_heads that does not join the heads: (B, T, H, D)",
        remedy="Join the last two dimensions: .flatten(2), or reshape(B, T, C).",
        why="c_proj mixes the numbers of all heads, so that it needs them in one row of C.",
    ),
    Mistake(
        name="merge-view-refused",
        equals="merge_heads by transpose and view, which PyTorch refuses",
        remedy="Copy before you view: x.transpose(1, 2).contiguous().view(B, T, C); or use reshape, which does.",
        why="transpose moves no numbers, it only notes another order; and view cannot join what is not side by side.",
    ),
    Mistake(
        name="merge-untransposed",
        equals="merge_heads that takes x for (B, T, H, D) and joins the last two dimensions where they are",
        remedy="x is (B, H, T, D): first x.transpose(1, 2), then join the last two dimensions.",
        why="Heads stand before tokens, as split_heads has left them. Joined there, tokens and numbers become one.",
    ),
    Mistake(
        name="merge-one-behind-another",
        equals="merge_heads that puts the heads one behind another, along the tokens",
        remedy="Join along the numbers: torch.cat(heads, dim=-1), or transpose(1, 2) and reshape(B, T, C).",
        why="There would be H times as many tokens, each with the numbers of one head.",
    ),
    Mistake(
        name="merge-added",
        equals="merge_heads that adds the heads up",
        remedy="Put them side by side: transpose(1, 2), then reshape(B, T, C).",
        why="A sum of D numbers cannot tell any more which head found what. c_proj mixes the heads afterwards.",
    ),
    Mistake(
        name="split-float-size",
        equals="split_heads with a size that is no whole number",
        remedy="Divide whole numbers by //: C // n_head.",
        why="In Python 8 / 2 is 4.0, and a size must be an int.",
    ),
)


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


EXERCISE = Exercise(
    name="heads",
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
    stub='''
import torch
from torch import Tensor


def split_heads(x: Tensor, n_head: int) -> Tensor:
    """@split_heads"""
    ...


def merge_heads(x: Tensor) -> Tensor:
    """@merge_heads"""
    ...
''',
    hints=(
        "A token's C numbers lie side by side. Cut them into H pieces of D first, without touching the tokens: "
        "x.view(B, T, n_head, D).",
        "Then exchange tokens and heads: .transpose(1, 2). Merging does the two steps backwards.",
        "After a transpose, view may refuse to join dimensions; reshape and flatten copy where they have to: "
        "x.transpose(1, 2).flatten(2).",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("split: three tokens of eight numbers, two heads", split_small),
        Probe("merge: two heads, three tokens, four numbers", merge_small),
        Probe("split: two texts of five tokens, three heads", split_texts),
        Probe("merge: two texts, three heads, five tokens, four numbers", merge_texts),
    ),
)
