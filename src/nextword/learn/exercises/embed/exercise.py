"""Embeddings: each token's vector plus its position's."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import CONFIG, numbers, token_ids

WTE = torch.tensor([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1], [3.0, 3.1]])
WPE = torch.tensor([[0.5, 0.0], [0.0, 0.5], [-0.5, 0.0]])


def one_text(solution: Any) -> Any:
    """Three tokens, as many as there are positions."""
    return solution.embed(torch.tensor([[1, 1, 2]]), WTE, WPE)


def short_texts(solution: Any) -> Any:
    """Two texts, shorter than there are positions."""
    return solution.embed(torch.tensor([[3, 0], [3, 3]]), WTE, WPE)


def batch(solution: Any) -> Any:
    """The fixture's sizes."""
    ids = token_ids(2, 7)
    return solution.embed(ids, numbers(CONFIG.n_vocab, CONFIG.n_embd), numbers(CONFIG.n_ctx, CONFIG.n_embd, seed=1))


def small_ids(solution: Any) -> Any:
    """Ids that are positions as well."""
    ids = torch.tensor([[1, 0, 2, 2], [0, 2, 1, 0]])
    return solution.embed(ids, numbers(3, 5), numbers(9, 5, seed=1))


def too_long(solution: Any) -> Any:
    """More tokens than positions."""
    return solution.embed(torch.tensor([[1, 1, 2, 0, 3]]), WTE, WPE)


EXERCISE = exercise_in(
    __file__,
    title="Embeddings",
    task="""\
An id says nothing by itself: token 257 is not greater than token 256. So each token of the vocabulary has C numbers
of its own, a row of the table wte, which say what it is and are learned. What follows in the network does not know in
which order the tokens stand, so each position has C numbers too, a row of the table wpe. The two are added:

    x[b, t] = wte[ids[b, t]] + wpe[t]""",
    symbols={"embed": "nextword.model.plain:embed"},
    hints=(
        "A table indexed by a tensor of ids gives a row for each: wte[ids] has the shape (B, T, C).",
        "The positions are 0 to T - 1, the same for all texts of the batch: torch.arange(ids.size(1)).",
        "wte[ids] is (B, T, C) and wpe[positions] is (T, C). Adding them repeats the latter for each text.",
    ),
    reference="functional",
    probes=(
        Probe("two texts of two tokens, two numbers each", short_texts),
        Probe("three tokens, where there are three positions", one_text),
        Probe("ids that are small enough to be taken for positions", small_ids),
        Probe("two texts of seven tokens, twelve numbers each", batch),
        Probe("five tokens, where there are only three positions", too_long),
    ),
)
