"""Attention's scores: how well each query matches each key."""

import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import numbers

MISTAKES = (
    Mistake(
        name="scale-missing",
        equals="scores that are not divided by anything",
        remedy="Divide the products by the root of D: / math.sqrt(q.size(-1)).",
        why="A sum of D products of numbers of size 1 is of size sqrt(D). With D = 64, softmax is given scores of "
        "about 8 and puts all weight on one key; little can be learned from there.",
    ),
    Mistake(
        name="divided-by-d",
        equals="scores that are divided by D instead of by its root (or twice by the root)",
        remedy="Divide once, by the root of D: / math.sqrt(q.size(-1)).",
        why="Scores become so small that softmax gives all keys nearly the same weight. The model still learns, "
        "so nobody notices, but official weights give blurred answers.",
    ),
    Mistake(
        name="root-of-c",
        equals="scores that are divided by sqrt(C), the root of all heads' numbers together",
        remedy="Divide by the root of what one head has: / math.sqrt(q.size(-1)), and not by sqrt(n_embd).",
        why="A product sums over the D = C / H numbers of its own head only. sqrt(C) is right with one head, "
        "so a test with one head does not notice.",
    ),
    Mistake(
        name="multiplied",
        equals="scores that are multiplied by sqrt(D) instead of divided",
        remedy="Divide by math.sqrt(q.size(-1)), or multiply by q.size(-1) ** -0.5.",
        why="The minus in D ** -0.5 is lost easily. The scores are then D times too large.",
    ),
    Mistake(
        name="half-of-d",
        equals="scores that are divided by D / 2, which is what (D ** 1 / 2) means",
        remedy="Write D ** 0.5 or math.sqrt(D): in D ** 1 / 2 the power comes first.",
        why="Python reads D ** 1 / 2 as (D ** 1) / 2. With D = 4 both are 2, so that a small test passes.",
    ),
    Mistake(
        name="twice-d",
        equals="scores that are divided by D and then by 2, which is what scores / D ** 1 / 2 means",
        remedy="Write scores / D ** 0.5 or scores / math.sqrt(D): the power comes first, then the two divisions.",
        why="Python reads scores / D ** 1 / 2 as (scores / D) / 2. With D = 64 they are 16 times too small.",
    ),
    Mistake(
        name="root-of-heads",
        equals="scores that are divided by the root of the number of heads",
        remedy="D is the last size: q.size(-1). The second one, q.size(1), is the number of heads.",
        why="After splitting, the shape is (B, H, T, D). GPT-2 small has 12 heads of 64 numbers each.",
    ),
    Mistake(
        name="root-of-keys",
        equals="scores that are divided by the root of the number of keys",
        remedy="D is the last size of q and k: k.size(-1). k.size(-2) is how many keys there are.",
        why="The scores of a text's beginning would then change with the text's length.",
    ),
    Mistake(
        name="root-of-queries",
        equals="scores that are divided by the root of the number of queries",
        remedy="D is the last size of q and k: q.size(-1). q.size(-2) is how many queries there are.",
        why="A token that is written alone, with the others in a cache, would then be scored differently.",
    ),
    Mistake(
        name="swapped",
        equals="the keys' scores for the queries: q and k have changed places",
        remedy="Let queries be the rows: q @ k.transpose(-2, -1), and not k @ q.transpose(-2, -1).",
        why="With as many queries as keys the shape is right, and each score stands at its mirror image's place: "
        "softmax would then be taken over the queries of a key.",
    ),
    Mistake(
        name="all-transposed",
        equals="a product with k.T, which turns round all four dimensions",
        remedy="Exchange the last two dimensions only: k.transpose(-2, -1), or k.mT.",
        why=".T is the transpose of a matrix. Of a tensor with four dimensions it reverses them all, texts included.",
    ),
    Mistake(
        name="heads-transposed",
        equals="a product with k.transpose(1, 2), which exchanges heads and tokens",
        remedy="Exchange the last two dimensions: k.transpose(-2, -1), which is k.transpose(2, 3).",
        why="transpose(1, 2) is what splits and merges heads. Here every query needs its own head's keys.",
    ),
    Mistake(
        name="not-transposed",
        equals="q @ k, without turning k round",
        remedy="Exchange the last two dimensions of k first: q @ k.transpose(-2, -1).",
        why="A product of matrices pairs rows with columns, and the keys are k's rows. "
        "It goes unnoticed only where there are as many keys as numbers in each.",
    ),
    Mistake(
        name="keys-reshaped",
        equals="a product with k reshaped to (B, H, D, S), which is not its transpose",
        remedy="Use k.transpose(-2, -1). view and reshape keep the order of numbers and only cut it elsewhere.",
        why="The shape is right and the numbers are scrambled: every column mixes several keys.",
    ),
    Mistake(
        name="softmax-taken",
        equals="the weights, not the scores: softmax has been taken already",
        remedy="Return the scores as they are. Softmax comes in the next exercise, after the mask.",
        why="The mask belongs between the two: what is hidden after softmax has taken its share of the weight already.",
    ),
    Mistake(
        name="future-hidden",
        equals="scores in which the future has been hidden already",
        remedy="Return all T x S scores. Hiding the future is the next exercise.",
        why="It is no mistake in a model, but the next part would do it again.",
    ),
)


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


EXERCISE = Exercise(
    name="scores",
    title="Scores of attention",
    task="""\
Each token asks a question, its query, and every token offers a key. How well the two match is the sum of the products
of their D numbers. Sums of more numbers are larger, so it is divided by sqrt(D):

    score of query t and key s = (q_t1 k_s1 + ... + q_tD k_sD) / sqrt(D)

There are B texts and H heads, all treated alike; T queries and S keys give T x S scores. (S is larger than T where
earlier tokens are remembered and need not be asked again.)""",
    symbols={"attention_scores": "nextword.model.plain:attention_scores"},
    stub='''
import math

import torch
from torch import Tensor


def attention_scores(q: Tensor, k: Tensor) -> Tensor:
    """@attention_scores"""
    ...
''',
    hints=(
        "All T x S sums of products at once are one product of matrices, and @ does it for all texts and heads.",
        "q @ k does not fit: the keys have to become columns. Exchange the last two dimensions of k.",
        "q @ k.transpose(-2, -1) / math.sqrt(D), where D is q.size(-1).",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("one head: two queries and four keys of three numbers", one_head),
        Probe("two texts, heads, queries, keys and numbers: all sizes 2", all_sizes_two),
        Probe("two texts, three heads, five queries and seven keys of four numbers", several_heads),
    ),
)
