"""The causal mask: scores become weights, and nobody looks ahead."""

import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import numbers

MISTAKES = (
    Mistake(
        name="mask-missing",
        equals="softmax without a mask: every token sees the whole text",
        remedy="Before softmax, set the scores of later keys to minus infinity: scores = scores.masked_fill(...). "
        "What masked_fill gives back is a new tensor.",
        why="In training the next token, which is to be guessed, can be read from the text. "
        "The loss falls almost to zero, and the model writes nonsense, since then there is nothing to read.",
    ),
    Mistake(
        name="reversed",
        equals="a mask that is turned round: each token sees itself and what comes after it",
        remedy="Keep the lower triangle: torch.ones(T, S).tril(S - T), not triu.",
        why="Row t is what query t may see: keys 0 to t. That is the lower left triangle.",
    ),
    Mistake(
        name="flipped",
        equals="a mask whose meaning is flipped: what should be visible is hidden, and the other way round",
        remedy="masked_fill hides where the mask is True: give it what is not visible, ~visible or mask == 0.",
        why="In some functions True means hidden (masked_fill), in others visible (scaled_dot_product_attention). "
        "Here the last token sees nothing at all, so its weights are 0 / 0.",
    ),
    Mistake(
        name="flipped-finite",
        equals="a mask whose meaning is flipped, made with a large number: "
        "the last token, which sees nothing, takes everything alike",
        remedy="masked_fill hides where the mask is True: give it what is not visible, ~visible or mask == 0.",
        why="In some functions True means hidden (masked_fill), in others visible (scaled_dot_product_attention). "
        "With -1e9 in the place of minus infinity not even a NaN gives that away.",
    ),
    Mistake(
        name="not-itself",
        equals="a mask by which a token cannot see itself",
        remedy="Keep the diagonal visible: tril(S - T); or hide with triu(S - T + 1).",
        why="The first token then sees nothing at all, and its weights are 0 / 0: NaN, and so is the loss.",
    ),
    Mistake(
        name="not-itself-finite",
        equals="a mask by which a token cannot see itself, made with a large number: "
        "the first token, which sees nothing, takes everything alike",
        remedy="Keep the diagonal visible: tril(S - T); or hide with triu(S - T + 1).",
        why="The first token, which has nothing before it, gets equal weights for the whole text, the future included.",
    ),
    Mistake(
        name="one-ahead",
        equals="a mask by which each token sees one token of the future",
        remedy="Let the diagonal be the last that is visible: tril(S - T), not tril(S - T + 1).",
        why="That one token is the very one which the model is to guess. The loss falls almost to zero, "
        "and what is written is nonsense.",
    ),
    Mistake(
        name="after-softmax",
        equals="weights that were hidden after softmax: the rows do not add up to 1",
        remedy="Hide the scores before softmax: masked_fill(..., -math.inf), then softmax.",
        why="The hidden keys have had their share of the 1 by then. Early tokens lose most of their weight.",
    ),
    Mistake(
        name="divided-again",
        equals="weights that were hidden after softmax, and then divided by their sum",
        remedy="Hide the scores before softmax: masked_fill(..., -math.inf), then softmax.",
        why="The same in mathematics, but not in numbers: where a hidden score is much the largest, all the others "
        "are zero already, and 0 / 0 is NaN.",
    ),
    Mistake(
        name="zero-instead",
        equals="scores that were hidden by setting them to 0 (or to 1e-9, which is nearly 0)",
        remedy="Set them to -math.inf (or -1e9). exp(0) is 1: a score of 0 is seen like any other.",
        why="A score of 0 is about average. Only the exponential of minus infinity is zero.",
    ),
    Mistake(
        name="plus-infinity",
        equals="scores that were hidden with plus infinity: infinity / infinity is NaN",
        remedy="Set hidden scores to minus infinity: -math.inf.",
        why="Softmax gives large scores large weights. Only the last token, from which nothing is hidden, has numbers.",
    ),
    Mistake(
        name="plus-large",
        equals="scores that were hidden with a large positive number: all weight goes to the future",
        remedy="Set hidden scores to a large negative number: -1e9, or better -math.inf.",
        why="The minus of -1e9 is lost easily, and no NaN appears that would tell.",
    ),
    Mistake(
        name="zero-times-infinity",
        equals="NaN everywhere: 0 x infinity is not 0",
        remedy="Use masked_fill(~visible, -math.inf) or torch.where, instead of multiplying a mask by infinity.",
        why="(1 - visible) * -inf is NaN wherever visible is 1. With -1e9 the product works.",
    ),
    Mistake(
        name="fill-too-small",
        equals="a mask whose number is too small to hide (such as -1e4): scores of -30,000 are lower still",
        remedy="Use -math.inf, or the lowest number of the dtype: torch.finfo(scores.dtype).min.",
        why="GPT-2's own code used -1e4, which is enough for the scores that its weights make. "
        "A model that goes astray in training has larger ones, and begins to look ahead.",
    ),
    Mistake(
        name="offset-too-small",
        equals="a mask that adds too small a number to hide (such as -1e4): a score of 30,000 stays in sight",
        remedy="Add -math.inf, or at least -1e9; or put it in the score's place with masked_fill.",
        why="What is added moves the score down, and a high score remains above the others. "
        "A model that goes astray in training has such scores, and begins to look ahead.",
    ),
    Mistake(
        name="over-queries",
        equals="softmax over the queries: each column adds up to 1 instead of each row",
        remedy="Take softmax over the keys, the last dimension: softmax(-1).",
        why="It is each query that has one unit of attention to give. "
        "Over the queries a token's weights depend on the tokens after it.",
    ),
    Mistake(
        name="over-heads",
        equals="softmax over the heads",
        remedy="Take softmax over the keys, the last dimension: softmax(-1), not softmax(1).",
        why="Dimension 1 is the heads'. They do not compete: each has its own unit of attention. "
        "Where the future is hidden, it is hidden in all heads, and 0 / 0 is NaN.",
    ),
    Mistake(
        name="softmax-missing",
        equals="the masked scores, without softmax",
        remedy="Take softmax over the last dimension after hiding.",
        why="Weights are positive and add up to 1, so that a weighted sum of values is their average.",
    ),
    Mistake(
        name="top-left",
        equals="a mask that begins at the top left: the first query sees the first key only, even if it stands later",
        remedy="The T queries are the last T of S positions, so shift the diagonal: tril(S - T); of a stored mask take "
        "mask[S - T:S, :S].",
        why="The two agree as long as T = S. With a cache, the one new token would see nothing but the first token of "
        "the text. scaled_dot_product_attention's is_causal=True aligns like that.",
    ),
    Mistake(
        name="square",
        equals="a mask with as many rows as columns, whatever the scores' shape",
        remedy="Give it a row for each query and a column for each key: T, S = scores.shape[-2:].",
        why="T and S are equal in training. With a cache there are fewer queries than keys.",
    ),
    Mistake(
        name="shift-reversed",
        equals="a mask whose diagonal is shifted the wrong way: tril(T - S)",
        remedy="Shift it by S - T, which is to the right: each row sees S - T keys more.",
        why="The two agree as long as T = S. With a cache, the new token would see nothing, and 0 / 0 is NaN.",
    ),
    Mistake(
        name="overflow",
        equals="a softmax of its own that does not subtract the maximum",
        remedy="Use softmax from parts, or torch.softmax; or subtract scores.amax(-1, keepdim=True) before exp.",
        why="exp(-30,000) is zero for a computer, and exp(100) is more than float32 can hold: 0 / 0 and infinity.",
    ),
    Mistake(
        name="fixed-size",
        equals="a mask for 4 x 4 scores, whatever their size",
        remedy="Take the sizes from the scores: T, S = scores.shape[-2:].",
        why="Texts are shorter than the longest possible, and with a cache T and S differ.",
    ),
    Mistake(
        name="ones-added",
        equals="scores to which the table of ones and zeros was added",
        remedy="Hide where the table is 0: scores.masked_fill(visible == 0, -math.inf).",
        why="Adding 1 makes the visible keys a little more likely. A mask that is added has to hold 0 for "
        "visible and -inf for hidden.",
    ),
    Mistake(
        name="softmax-twice",
        equals="weights of which softmax was taken twice",
        remedy="Hide the scores themselves, and take softmax once, afterwards.",
        why="The second softmax is given numbers between 0 and 1, and makes nearly equal weights of them.",
    ),
)


def reference(on: Mistakes) -> Any:
    """The weights in float64, with these mistakes."""

    def causal_weights(scores: Tensor) -> Tensor:
        scores = scores.double()
        T, S = (4, 4) if "fixed-size" in on else scores.shape[-2:]
        if "square" in on:
            T = S
        shift = 0 if "top-left" in on else T - S if "shift-reversed" in on else S - T
        shift += ("one-ahead" in on) - bool({"not-itself", "not-itself-finite"} & on)
        seen = torch.ones(T, S)
        visible = seen.triu(shift).bool() if "reversed" in on else seen.tril(shift).bool()
        if {"flipped", "flipped-finite"} & on:
            visible = ~visible
        if "mask-missing" in on:
            visible = torch.ones_like(visible)
        axis = -2 if "over-queries" in on else 1 if "over-heads" in on else -1
        if {"after-softmax", "divided-again"} & on:
            weights = scores.softmax(axis).float() * visible  # in float32 what is much smaller than the rest is 0
            return weights / weights.sum(axis, keepdim=True) if "divided-again" in on else weights
        scores = hidden(scores.softmax(axis) if "softmax-twice" in on else scores, visible)
        if "overflow" in on:
            return scores.exp() / scores.exp().sum(axis, keepdim=True)
        return scores if "softmax-missing" in on else scores.softmax(axis)

    def hidden(scores: Tensor, visible: Tensor) -> Tensor:
        if "zero-times-infinity" in on:
            return scores * math.nan
        if "ones-added" in on:
            return scores + visible
        if "offset-too-small" in on:
            return scores - 1e4 * ~visible
        numbers_instead = {
            "zero-instead": 0.0,
            "fill-too-small": -1e4,
            "plus-infinity": math.inf,
            "plus-large": 1e9,
            "flipped-finite": -1e9,
            "not-itself-finite": -1e9,
        }
        return scores.masked_fill(~visible, next((numbers_instead[n] for n in numbers_instead if n in on), -math.inf))

    return SimpleNamespace(causal_weights=causal_weights)


def equal_scores(solution: Any) -> Any:
    """Four tokens whose scores are all alike."""
    return solution.causal_weights(torch.ones(1, 1, 4, 4))


def four_tokens(solution: Any) -> Any:
    """Four tokens whose scores differ."""
    scores = torch.tensor([[0.5, -1.0, 2.0, 0.0], [1.0, 0.5, -0.5, 1.5], [0.0, 2.0, 1.0, -1.0], [-0.5, 0.0, 1.0, 0.5]])
    return solution.causal_weights(scores[None, None])


def two_of_five(solution: Any) -> Any:
    """Two queries, the last two of five positions."""
    scores = torch.tensor([[0.5, -1.0, 2.0, 0.0, 1.0], [1.0, 0.5, -0.5, 1.5, 0.0]])
    return solution.causal_weights(scores[None, None])


def very_low(solution: Any) -> Any:
    """Scores of about -30,000."""
    return solution.causal_weights(torch.arange(9.0).remainder(4).view(1, 1, 3, 3) - 30_000)


def high_ahead(solution: Any) -> Any:
    """A score of 30,000 that its query may not see. Every row sees something, even by a mask that hides too much:
    what a row of hidden scores gives depends on how they were hidden."""
    scores = torch.tensor([[0.0, 1.0, 2.0, 30_000.0], [0.0, 3.0, 1.0, 2.0]])
    return solution.causal_weights(scores[None, None])


def several_heads(solution: Any) -> Any:
    """Two texts and three heads, with five queries and seven keys."""
    return solution.causal_weights(numbers(2, 3, 5, 7))


EXERCISE = Exercise(
    name="mask",
    title="The causal mask",
    task="""\
GPT-2 guesses each token from those before it, so no token may see a later one. Its scores become weights by softmax,
over the keys, after those of later keys have been hidden. Four tokens with equal scores get the weights

    1    0    0    0        the first token sees itself
    1/2  1/2  0    0        the second itself and the first
    1/3  1/3  1/3  0
    1/4  1/4  1/4  1/4

Softmax turns a score of minus infinity into a weight of exactly zero. Scores are of shape (B, H, T, S): T queries and
S keys. Where earlier tokens are remembered, T is smaller than S, and the queries are the last T of the S positions.""",
    symbols={"causal_weights": "nextword.model.plain:causal_weights"},
    stub='''
import math

import torch
from torch import Tensor

from parts import softmax


def causal_weights(scores: Tensor) -> Tensor:
    """@causal_weights"""
    ...
''',
    hints=(
        "First say who sees whom: a table of T rows and S columns, True where row t may see column s.",
        "torch.ones(T, S, dtype=torch.bool).tril() is that table for T = S. tril(n) keeps n more diagonals, "
        "and the last row has to see all S keys.",
        "With visible = torch.ones(T, S, dtype=torch.bool).tril(S - T), hide with "
        "scores.masked_fill(~visible, -math.inf), and give that to softmax, which works on the last dimension.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("four tokens with equal scores", equal_scores),
        Probe("four tokens", four_tokens),
        Probe("two queries, the last two of five positions", two_of_five),
        Probe("three tokens with scores of about -30,000", very_low),
        Probe("two queries of four positions, and a score of 30,000 ahead", high_ahead),
        Probe("two texts and three heads, five queries and seven keys", several_heads),
    ),
)
