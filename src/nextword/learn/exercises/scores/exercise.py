"""Attention's scores: how well each query matches each key."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers


def one_head(solution: Any) -> Any:
    """Two queries and four keys of three numbers."""
    q = torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    k = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, -1.0]])
    return solution.attention_scores(q[None, None], k[None, None])


def all_sizes_two(solution: Any) -> Any:
    """Where every size is 2, a wrong transpose raises no error."""
    q, k = (torch.arange(16.0).view(2, 2, 2, 2) / 8, 1 - torch.arange(16.0).view(2, 2, 2, 2) ** 2 / 100)
    return solution.attention_scores(q, k)


def several_heads(solution: Any) -> Any:
    """All sizes different: 2 texts, 3 heads, 5 queries, 7 keys, 4 numbers."""
    return solution.attention_scores(numbers(2, 3, 5, 4), numbers(2, 3, 7, 4, seed=1))


EXERCISE = exercise_in(
    __file__,
    title="Scores of attention",
    task="""\
Each token asks a question, its query, and every token offers a key. How well the two match is the sum of the products
of their D numbers. Sums of more numbers are larger, so it is divided by sqrt(D):

    score of query t and key s = (q_t1 k_s1 + ... + q_tD k_sD) / sqrt(D)

There are B texts and H heads, all treated alike; T queries and S keys give T x S scores. (S is larger than T where
earlier tokens are remembered and need not be asked again.)""",
    symbols={"attention_scores": "nextword.model.plain:attention_scores"},
    hints=(
        "All T x S sums of products at once are one product of matrices, and @ does it for all texts and heads.",
        "q @ k does not fit: the keys have to become columns. Exchange the last two dimensions of k.",
        "q @ k.transpose(-2, -1) / math.sqrt(D), where D is q.size(-1).",
    ),
    reference="formula",
    probes=(
        Probe("one head: two queries and four keys of three numbers", one_head),
        Probe("two texts, heads, queries, keys and numbers: all sizes 2", all_sizes_two),
        Probe("two texts, three heads, five queries and seven keys of four numbers", several_heads),
    ),
)
