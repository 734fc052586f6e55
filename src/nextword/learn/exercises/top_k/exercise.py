"""Top-k: drawing among the k likeliest tokens only."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import shares

FIVE = torch.tensor([0.5, 2.0, -1.0, 3.0, 1.0])


def side_by_side(solution: Any) -> Any:
    """The set of tokens drawn for each of two texts with logits of different heights."""
    logits = torch.stack((FIVE + 10.0, FIVE.flip(0))).repeat(400, 1)
    drawn = torch.as_tensor(solution.sample_top_k(logits, 2)).reshape(400, 2)
    return [sorted(set(drawn[:, row].tolist())) for row in range(2)]


def how_many_of_equals(solution: Any) -> Any:
    """Count of different tokens drawn of six equally likely ones, with k of 3."""
    return len(set(torch.as_tensor(solution.sample_top_k(torch.zeros(300, 6), 3)).flatten().tolist()))


def zero(solution: Any) -> Any:
    """What happens for k = 0."""
    return tuple(torch.as_tensor(solution.sample_top_k(FIVE.repeat(3, 1), 0)).shape)


EXERCISE = exercise_in(
    __file__,
    title="Top-k",
    task="""\
GPT-2 gives each of its 50,257 tokens some probability, and the many unlikely ones have some weight together. One
blunder among them derails a text. So only the k likeliest tokens of each row may be drawn, with their own odds: exactly
k of them, also where several are equally likely; all, where k is more than there are. A k below 1 is an error.""",
    symbols={"sample_top_k": "nextword.decode.plain:sample_top_k"},
    hints=(
        "values, ids = logits.topk(k) gives both: how high the k highest logits are, and where they stand.",
        "sample(values, temperature) draws among them: a place from 0 to k - 1, not yet an id.",
        "ids.gather(-1, places) looks up each row's id at its place; places needs the shape (B, 1) for that.",
    ),
    reference="sorted_and_masked",
    probes=(
        Probe("how often each of five tokens is drawn with k = 1", lambda s: shares(s.sample_top_k, FIVE, 1)),
        Probe("how often each of five tokens is drawn with k = 2", lambda s: shares(s.sample_top_k, FIVE, 2)),
        Probe(
            "the same with a temperature of 3 and k = 3",
            lambda s: shares(s.sample_top_k, FIVE, 3, temperature=3.0, draws=8000),  # 9 makes a difference of 0.08
        ),
        Probe("which tokens are drawn of two texts side by side, k = 2", side_by_side),
        Probe("how many of six equally likely tokens are drawn, k = 3", how_many_of_equals),
        Probe("k = 99 of five tokens", lambda s: shares(s.sample_top_k, FIVE, 99)),
        Probe("k = 0", zero),
    ),
)
