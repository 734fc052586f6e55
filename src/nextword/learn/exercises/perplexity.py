"""Perplexity: among how many equally likely tokens the model seems to be choosing."""

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import CONFIG

MISTAKES = (
    Mistake(
        name="mean-of-exponentials",
        equals="the mean of the pieces' perplexities",
        remedy="Take the mean of the losses first, then exp of it: once, at the end.",
        why="exp makes large numbers much larger, so one hard piece rules such a mean. A text's perplexity is that of "
        "its mean loss, and is never larger than the mean of the perplexities.",
    ),
    Mistake(
        name="unweighted",
        equals="a perplexity in which every piece counts the same, however many tokens it has",
        remedy="Weight each piece's loss with its number of tokens: sum of loss * count, divided by sum of count.",
        why="The last piece of a text is usually shorter than the others. Unweighted, its tokens count for more "
        "than all others, and the result changes with the size of the pieces.",
    ),
    Mistake(
        name="base-2",
        equals="2 to the power of the mean loss",
        remedy="Use math.exp: the losses are in nats, made with the natural logarithm.",
        why="2 ** loss belongs to losses in bits. The base must be the same in the logarithm and in the power.",
    ),
    Mistake(
        name="exp-missing",
        equals="the mean loss itself, without exp",
        remedy="Return math.exp of the mean loss.",
        why="The mean loss is the logarithm of the perplexity: 3.0 nats are a choice among 20 tokens.",
    ),
    Mistake(
        name="exp-of-sum",
        equals="exp of the sum of all tokens' losses, not of their mean",
        remedy="Divide by the number of all tokens, sum(counts), before exp.",
        why="That is one over the probability of the whole text. It grows with the text's length, and overflows soon.",
    ),
    Mistake(
        name="divided-by-pieces",
        equals="a perplexity whose sum over the tokens is divided by the number of pieces",
        remedy="Divide by the number of all tokens: sum(counts), not len(counts).",
        why="The sum is one over all tokens once each loss is multiplied by its count, so it is all tokens that the "
        "mean is over.",
    ),
    Mistake(
        name="losses-as-sums",
        equals="a perplexity that takes the losses for sums over a piece's tokens, though they are means",
        remedy="Multiply each loss by its count before adding up.",
        why="Cross-entropy has divided by the number of tokens already. Dividing again makes a model look nearly "
        "perfect: a perplexity close to 1.",
    ),
    Mistake(
        name="inverse",
        equals="one over the perplexity: exp of minus the mean loss",
        remedy="Leave the minus away: the losses are -ln p already, and positive.",
        why="exp(-loss) is the probability that a token has on (geometric) average. The perplexity is one over it.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Perplexity, with these mistakes."""

    def perplexity(losses: Sequence[float], counts: Sequence[int]) -> float:
        power = (lambda x: 2.0**x) if "base-2" in on else math.exp
        sign = -1.0 if "inverse" in on else 1.0
        weights = [1.0] * len(counts) if "unweighted" in on else [float(count) for count in counts]
        by_piece = [1.0] * len(counts) if "losses-as-sums" in on else weights
        n = len(counts) if "divided-by-pieces" in on else 1.0 if "exp-of-sum" in on else sum(weights)
        if "mean-of-exponentials" in on:
            return sum(power(sign * loss) * weight for loss, weight in zip(losses, by_piece, strict=True)) / n
        mean = sum(loss * weight for loss, weight in zip(losses, by_piece, strict=True)) / n
        return sign * mean if "exp-missing" in on else power(sign * mean)

    return SimpleNamespace(perplexity=perplexity)


def two_pieces(solution: Any) -> Any:
    """An easy piece of three tokens and a hard one of a single token: the mean loss is 1.5."""
    return solution.perplexity([1.0, 3.0], [3, 1])


def knowing_nothing(solution: Any) -> Any:
    """A loss of ln V everywhere."""
    return solution.perplexity([math.log(CONFIG.n_vocab)] * 2, [2, 3])


def certain(solution: Any) -> Any:
    """No surprise at all."""
    return solution.perplexity([0.0, 0.0, 0.0], [2, 2, 1])


def four_pieces(solution: Any) -> Any:
    """Four pieces as they come from a text."""
    return solution.perplexity([1.25, 0.5, 2.0, 0.75], [4, 4, 4, 2])


EXERCISE = Exercise(
    name="perplexity",
    title="Perplexity",
    task="""\
A loss in nats is hard to picture. exp(loss) is easier: it is the number of equally likely tokens among which one would
be surprised as much. A model that knows nothing chooses among all n_vocab; one that is always certain has 1.

A long text is measured in pieces. From the mean loss and the number of tokens of each, compute the perplexity of
the whole text: exp of the mean loss over all its tokens.""",
    symbols={"perplexity": "nextword.evaluate.plain:perplexity"},
    stub='''
import math
from collections.abc import Sequence


def perplexity(losses: Sequence[float], counts: Sequence[int]) -> float:
    """@perplexity"""
    ...
''',
    hints=(
        "Put the pieces together first: a piece's mean loss times its count is the sum of its tokens' losses.",
        "Divide the sum of all tokens' losses by the number of all tokens, and take math.exp of that, once.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("three tokens with a mean loss of 1, and one with 3", two_pieces),
        Probe("a loss of ln 61 everywhere", knowing_nothing),
        Probe("a loss of 0 everywhere", certain),
        Probe("four pieces, of which the last is shorter", four_pieces),
    ),
)
