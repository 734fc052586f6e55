"""Top-p: drawing among the fewest tokens that hold a share p of the probability."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.exercises.temperature import shares

MISTAKES = (
    Mistake(
        name="crossing-lost",
        equals="a top-p that drops the token with which the sum reaches p",
        remedy="Hide a token where those before it already hold p: (cumulative - probability) >= p.",
        why="A sum with the token itself in it drops the one that crosses p. Where the likeliest alone exceeds p, "
        "nothing is left to draw.",
    ),
    Mistake(
        name="crossing-lost-one-kept",
        equals="a top-p that drops the token with which the sum reaches p, unless it is the likeliest",
        remedy="Hide a token where those before it already hold p: (cumulative - probability) >= p.",
        why="Always keeping the first token hides the crash and not the cause: the set is still a token short.",
    ),
    Mistake(
        name="unsorted",
        equals="a sum over the tokens in the order of their ids",
        remedy="Sort the probabilities in descending order before cumsum.",
        why="The fewest tokens that reach p are the likeliest ones. In the order of ids it takes what comes first.",
    ),
    Mistake(
        name="ascending",
        equals="a sum that begins with the least likely tokens",
        remedy="Sort with descending=True.",
        why="sort ascends by itself. The unlikely tokens are then kept, and the likely ones cut off.",
    ),
    Mistake(
        name="places-not-ids",
        equals="the places in the sorted order instead of ids",
        remedy="Map what was drawn back to ids: ids.gather(-1, drawn), where sort gave (values, ids).",
        why="After sorting, place 0 is the likeliest token, whichever it is. 0 is also an id, so nothing crashes.",
    ),
    Mistake(
        name="mask-not-mapped-back",
        equals="a mask in sorted order, laid over logits in the order of ids",
        remedy="Apply the mask to the sorted logits, or bring it back with scatter(-1, ids, mask).",
        why="Both have the shape (B, V), so nothing complains that column 0 means the likeliest token in one of them "
        "and token 0 in the other.",
    ),
    Mistake(
        name="one-mask-for-all",
        equals="the first text's cut for all texts",
        remedy="Compare row by row: cumsum over the last dimension gives each row its own mask.",
        why="Where one text's next word is certain and another's is open, p keeps one token here and fifty there.",
    ),
    Mistake(
        name="share-of-vocabulary",
        equals="a top-k with k = p times the vocabulary",
        remedy="Sum up probabilities: cumsum of the sorted softmax, compared with p.",
        why="p is a share of probability, not of the number of tokens.",
    ),
    Mistake(
        name="zero-for-hidden",
        equals="a top-p that sets the other logits to 0 instead of to minus infinity",
        remedy="Mask with float('-inf') before the last softmax.",
        why="A logit of 0 is not a probability of 0: exp(0) is 1.",
    ),
    Mistake(
        name="p-ignored",
        equals="drawing among all tokens",
        remedy="Hide the tokens whose forerunners hold p together already.",
        why="The many unlikely tokens have some weight together; now and then one of them derails the text.",
    ),
    Mistake(
        name="temperature-ignored",
        equals="a top-p that does not use the temperature",
        remedy="Divide the logits by the temperature first; both the cut and the odds follow from that.",
        why="A higher temperature flattens the distribution, so that more tokens are needed to reach p.",
    ),
    Mistake(
        name="temperature-after-cut",
        equals="a top-p whose cut does not know of the temperature",
        remedy="Divide the logits by the temperature before the softmax that p is compared with.",
        why="The set is of those likeliest tokens that will be drawn with probability p. That is the distribution "
        "with the temperature in it.",
    ),
    Mistake(
        name="temperature-twice",
        equals="a top-p that divides by the temperature twice",
        remedy="Draw from what was divided already with sample(values), or multinomial: sample(values, temperature) "
        "divides once more.",
        why="The cut is right, and so is everything at a temperature of 1. At others the odds among the tokens that "
        "are left are not.",
    ),
    Mistake(
        name="one-too-many",
        equals="a top-p that keeps one token too many",
        remedy="Hide a token where those before it already hold p: (cumulative - probability) >= p.",
        why="The token with which the sum reaches p is the last one. A mask that is moved twice keeps the next one "
        "too.",
    ),
    Mistake(
        name="each-by-itself",
        equals="a comparison of each token by itself with p",
        remedy="Compare the sum of a token and the likelier ones with p: cumsum of the sorted probabilities.",
        why="p is what they hold together. Hardly any token has a probability of 0.9 by itself, so that nothing is "
        "left to draw.",
    ),
    Mistake(
        name="column",
        equals="a column (B, 1) instead of ids (B,)",
        remedy="Take the column off at the end: ids.gather(-1, places).squeeze(-1).",
        why="gather wants places of the shape (B, 1), and gives ids of the same shape.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Top-p in float64, with these mistakes."""

    def sample_top_p(logits: Tensor, p: float, temperature: float = 1.0) -> Tensor:
        logits, V = logits.double(), logits.size(-1)
        bent = logits if "temperature-ignored" in on else logits / temperature
        if "unsorted" in on:
            ids = torch.arange(V).expand_as(logits)
        else:
            ids = logits.argsort(-1, descending="ascending" not in on)
        chances = (logits if "temperature-after-cut" in on else bent).softmax(-1).gather(-1, ids)
        running = chances.cumsum(-1)
        short = "crossing-lost" in on or "crossing-lost-one-kept" in on
        hidden = running > p if short else running - chances >= p
        if "one-too-many" in on:
            hidden = torch.cat((torch.zeros_like(hidden[:, :1]), hidden[:, :-1]), dim=-1)
        if "each-by-itself" in on:
            hidden = chances < p
        if "crossing-lost-one-kept" in on:
            hidden[:, 0] = False
        if "share-of-vocabulary" in on:
            hidden = (torch.arange(V) >= max(1, int(p * V))).expand_as(logits)
        if "one-mask-for-all" in on:
            hidden = hidden[:1].expand_as(logits)
        if "p-ignored" in on:
            hidden = torch.zeros_like(hidden)
        if "mask-not-mapped-back" not in on:
            hidden = torch.zeros_like(hidden).scatter(-1, ids, hidden)
        bent = bent / temperature if "temperature-twice" in on else bent
        left = bent.masked_fill(hidden, 0.0 if "zero-for-hidden" in on else -torch.inf)
        drawn = left.softmax(-1).multinomial(1)
        drawn = ids.argsort(-1).gather(-1, drawn) if "places-not-ids" in on else drawn
        return drawn if "column" in on else drawn[:, 0]

    return SimpleNamespace(sample_top_p=sample_top_p)


FIVE = torch.log(torch.tensor([0.06, 0.3, 0.04, 0.45, 0.15]))
"""Logits whose probabilities are these, so that sums can be made in one's head."""


def side_by_side(solution: Any) -> Any:
    """Which tokens are ever drawn of a text whose next word is certain and of one where it is open."""
    logits = torch.log(torch.tensor([[0.9, 0.04, 0.03, 0.02, 0.01], [0.15, 0.2, 0.2, 0.2, 0.25]])).repeat(500, 1)
    drawn = torch.as_tensor(solution.sample_top_p(logits, 0.83)).reshape(500, 2)
    return [sorted(set(drawn[:, row].tolist())) for row in range(2)]


EXERCISE = Exercise(
    name="top_p",
    title="Top-p",
    task="""\
How many tokens make sense as the next one differs from place to place: one after "Barack", hundreds after "the". Top-p
lets the model say so. Ordered from the likeliest down, the tokens are kept until their probabilities reach p together;
the one with which the sum reaches p still belongs to them. Among these one is drawn, with its own odds.""",
    symbols={"sample_top_p": "nextword.decode.plain:sample_top_p"},
    stub='''
import torch
from parts import sample, softmax
from torch import Tensor


def sample_top_p(logits: Tensor, p: float, temperature: float = 1.0) -> Tensor:
    """@sample_top_p"""
    ...
''',
    hints=(
        "Divide by the temperature, then sort in descending order: sort gives the values and their ids.",
        "cumsum(-1) of the sorted probabilities is what each token and those before it hold together; "
        "less the token's own probability, it is what those before it hold.",
        "A token is hidden (minus infinity) where those before it already hold p. What is drawn is a place in the "
        "order: gather its id.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("how often each of five tokens is drawn with p = 0.6", lambda s: shares(s.sample_top_p, FIVE, 0.6)),
        Probe("how often each of five tokens is drawn with p = 0.2", lambda s: shares(s.sample_top_p, FIVE, 0.2)),
        Probe("which tokens are drawn of two texts side by side, p = 0.83", side_by_side),
        Probe(
            "how often each of five tokens is drawn with p = 0.8, temperature 3",
            lambda s: shares(s.sample_top_p, FIVE, 0.8, temperature=3.0),
        ),
        Probe("how often each of five tokens is drawn with p = 0.99", lambda s: shares(s.sample_top_p, FIVE, 0.99)),
    ),
)
