"""Top-k: drawing among the k likeliest tokens only."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.exercises.temperature import shares

MISTAKES = (
    Mistake(
        name="places-not-ids",
        equals="the places among the k likeliest instead of their ids",
        remedy="Map what was drawn back to ids: ids.gather(-1, drawn), where topk gave (values, ids).",
        why="After topk the k values are numbered 0 to k - 1 anew. Drawing gives such a number, and 0 to k - 1 are "
        "also ids, of punctuation mostly, so that nothing crashes.",
    ),
    Mistake(
        name="k-above-v",
        equals="a top-k that fails where k is above the vocabulary's size",
        remedy="Ask for no more than there are: logits.topk(min(k, logits.size(-1))).",
        why="k = 50 is fine for 50,257 tokens, and an error for a toy vocabulary of 27 letters.",
    ),
    Mistake(
        name="k-zero",
        equals="a top-k that takes k = 0 in silence",
        remedy="Raise a ValueError for k < 1.",
        why="Some programs use 0 for no limit; then 0 and 50257 mean the same, and a typing mistake means everything. "
        "Here every k that means nothing is refused.",
    ),
    Mistake(
        name="ties-kept",
        equals="a top-k that keeps all tokens that are as likely as the k-th",
        remedy="Draw among the k values that topk gives, instead of comparing logits with the smallest of them.",
        why="A comparison lets every equal of the k-th token in. A model that knows nothing yet makes all tokens "
        "equal, and then top-k allows all of them.",
    ),
    Mistake(
        name="kth-lost",
        equals="a top-k that hides the k-th token with those below it",
        remedy="Keep the k-th token too: mask what is below it (logits < kth), not what is at most it (logits <= kth).",
        why="With k = 1 nothing is left, and the softmax of nothing but minus infinity is NaN.",
    ),
    Mistake(
        name="one-too-few",
        equals="a top-k that keeps k - 1 tokens",
        remedy="Keep k tokens: the first k of the descending order are order[:, :k].",
        why="A slice ends before its second number, so that [:k] already has k elements.",
    ),
    Mistake(
        name="one-threshold",
        equals="one threshold for all texts",
        remedy="Give each row its own threshold: kth = values[:, -1:], of the shape (B, 1).",
        why="With one text it does not show. Side by side, a text whose logits are lower altogether loses all.",
    ),
    Mistake(
        name="lowest",
        equals="drawing among the k least likely tokens",
        remedy="Take the largest: logits.topk(k) does, sort() ascends unless told descending=True.",
        why="The end of an ascending order holds the likely ones.",
    ),
    Mistake(
        name="zero-for-hidden",
        equals="a top-k that sets the other logits to 0 instead of to minus infinity",
        remedy="Mask with float('-inf'): logits.masked_fill(logits < kth, float('-inf')).",
        why="A logit of 0 is not a probability of 0: exp(0) is 1.",
    ),
    Mistake(
        name="k-ignored",
        equals="drawing among all tokens",
        remedy="Leave only the k likeliest: values, ids = logits.topk(k).",
        why="The many unlikely tokens have some weight together; now and then one of them derails the text.",
    ),
    Mistake(
        name="always-first",
        equals="always the likeliest of the k tokens",
        remedy="Draw among the k by their probabilities: torch.multinomial(softmax(values), 1).",
        why="Taking the first of the k highest is greedy writing.",
    ),
    Mistake(
        name="equally-often",
        equals="drawing each of the k tokens equally often",
        remedy="Draw by the softmax of the k logits, not with randint.",
        why="Among the k the model's own odds still count.",
    ),
    Mistake(
        name="temperature-ignored",
        equals="a top-k that does not use the temperature",
        remedy="Divide the k logits by the temperature before the softmax.",
        why="Which tokens are the k likeliest does not depend on the temperature; how often each is drawn does.",
    ),
    Mistake(
        name="temperature-twice",
        equals="a top-k that divides by the temperature twice",
        remedy="Give sample(values, temperature) the logits as they are: it divides by the temperature itself.",
        why="A temperature of 3 then acts like one of 9. At 1 nothing shows.",
    ),
    Mistake(
        name="column",
        equals="a column (B, 1) instead of ids (B,)",
        remedy="Take the column off at the end: ids.gather(-1, places).squeeze(-1).",
        why="gather wants places of the shape (B, 1), and gives ids of the same shape.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Top-k in float64, with these mistakes."""

    def sample_top_k(logits: Tensor, k: int, temperature: float = 1.0) -> Tensor:
        logits, V = logits.double(), logits.size(-1)
        if k < 1:
            if "k-zero" not in on:
                raise ValueError("k")
            k = V
        if k > V and "k-above-v" in on:
            raise RuntimeError("k")
        k = V if "k-ignored" in on else min(k, V)
        ordered, ids = logits.sort(dim=-1, descending="lowest" not in on, stable=True)
        threshold = ordered[:1, k - 1 : k] if "one-threshold" in on else ordered[:, k - 1 : k]  # (1 or B, 1)
        rank = ids.argsort(-1)  # of each token
        kept = rank < (k - 1 if "one-too-few" in on else k)
        if "one-threshold" in on or "ties-kept" in on:
            kept = logits <= threshold if "lowest" in on else logits >= threshold
        if "kth-lost" in on:
            kept = kept & (logits != threshold)
        if "temperature-ignored" not in on and "equally-often" not in on:
            logits = logits / temperature
            logits = logits / temperature if "temperature-twice" in on else logits
        if "equally-often" in on:
            logits = torch.zeros_like(logits)
        logits = logits.masked_fill(~kept, 0.0 if "zero-for-hidden" in on else -torch.inf)
        chances = logits.softmax(-1)
        drawn = chances.argmax(-1) if "always-first" in on else chances.multinomial(1).squeeze(-1)
        drawn = rank.gather(-1, drawn.unsqueeze(-1)).squeeze(-1) if "places-not-ids" in on else drawn
        return drawn.unsqueeze(-1) if "column" in on else drawn

    return SimpleNamespace(sample_top_k=sample_top_k)


FIVE = torch.tensor([0.5, 2.0, -1.0, 3.0, 1.0])


def side_by_side(solution: Any) -> Any:
    """Which tokens are ever drawn of each of two texts whose logits are of different heights."""
    logits = torch.stack((FIVE + 10.0, FIVE.flip(0))).repeat(400, 1)
    drawn = torch.as_tensor(solution.sample_top_k(logits, 2)).reshape(400, 2)
    return [sorted(set(drawn[:, row].tolist())) for row in range(2)]


def how_many_of_equals(solution: Any) -> Any:
    """How many different tokens are drawn where all six are equally likely and k is 3."""
    return len(set(torch.as_tensor(solution.sample_top_k(torch.zeros(300, 6), 3)).flatten().tolist()))


def zero(solution: Any) -> Any:
    """What happens for k = 0."""
    return tuple(torch.as_tensor(solution.sample_top_k(FIVE.repeat(3, 1), 0)).shape)


EXERCISE = Exercise(
    name="top_k",
    title="Top-k",
    task="""\
GPT-2 gives each of its 50,257 tokens some probability, and the many unlikely ones have some weight together. One
blunder among them derails a text. So only the k likeliest tokens of each row may be drawn, with their own odds: exactly
k of them, also where several are equally likely; all, where k is more than there are. A k below 1 is an error.""",
    symbols={"sample_top_k": "nextword.decode.plain:sample_top_k"},
    stub='''
import torch
from parts import sample
from torch import Tensor


def sample_top_k(logits: Tensor, k: int, temperature: float = 1.0) -> Tensor:
    """@sample_top_k"""
    ...
''',
    hints=(
        "values, ids = logits.topk(k) gives both: how high the k highest logits are, and where they stand.",
        "sample(values, temperature) draws among them: a place from 0 to k - 1, not yet an id.",
        "ids.gather(-1, places) looks up each row's id at its place; places needs the shape (B, 1) for that.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("how often each of five tokens is drawn with k = 1", lambda s: shares(s.sample_top_k, FIVE, 1)),
        Probe("how often each of five tokens is drawn with k = 2", lambda s: shares(s.sample_top_k, FIVE, 2)),
        Probe("the same with a temperature of 3 and k = 3", lambda s: shares(s.sample_top_k, FIVE, 3, temperature=3.0)),
        Probe("which tokens are drawn of two texts side by side, k = 2", side_by_side),
        Probe("how many of six equally likely tokens are drawn, k = 3", how_many_of_equals),
        Probe("k = 99 of five tokens", lambda s: shares(s.sample_top_k, FIVE, 99)),
        Probe("k = 0", zero),
    ),
)
