"""Attention's scores: how well each query matches each key."""

import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers


def reference(on: Mistakes) -> Any:
    """The scores in float64, with these mistakes."""

    def attention_scores(q: Tensor, k: Tensor) -> Tensor:
        q, k = q.double(), k.double()
        H, T, D = q.shape[1:]
        S = k.size(-2)
        if "swapped" in on:
            q, k = k, q
        if "all-transposed" in on:
            turned = k.permute(3, 2, 1, 0)
        elif "heads-transposed" in on:
            turned = k.transpose(1, 2)
        elif "keys-reshaped" in on:
            turned = k.reshape(*k.shape[:2], k.size(-1), k.size(-2))
        else:
            turned = k if "not-transposed" in on else k.transpose(-2, -1)
        divisors = {
            "scale-missing": 1.0,
            "divided-by-d": D,
            "root-of-c": math.sqrt(H * D),
            "multiplied": 1 / math.sqrt(D),
            "half-of-d": D / 2,
            "twice-d": D * 2,
            "root-of-heads": math.sqrt(H),
            "root-of-keys": math.sqrt(S),
            "root-of-queries": math.sqrt(T),
        }
        scores = q @ turned / next((divisors[name] for name in divisors if name in on), math.sqrt(D))
        if "future-hidden" in on:
            scores = scores.masked_fill(torch.ones(T, S).triu(S - T + 1).bool(), -math.inf)
        return scores.softmax(-1) if "softmax-taken" in on else scores

    return SimpleNamespace(attention_scores=attention_scores)


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
    reference=reference,
    probes=(
        Probe("one head: two queries and four keys of three numbers", one_head),
        Probe("two texts, heads, queries, keys and numbers: all sizes 2", all_sizes_two),
        Probe("two texts, three heads, five queries and seven keys of four numbers", several_heads),
    ),
)
