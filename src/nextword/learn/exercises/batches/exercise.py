"""Batches: an epoch of windows in a new order, some at a time."""

from itertools import islice, pairwise
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


def text(n: int) -> tuple[Tensor, Tensor]:
    """n windows of three tokens: window i is 10 i, 10 i + 1, 10 i + 2."""
    x = 10 * torch.arange(n)[:, None] + torch.arange(3)
    return x, x + 1


def several(given: Any) -> Any:
    """The batches; a single pair of x and y counts as the only batch."""
    alone = isinstance(given, tuple) and all(isinstance(part, Tensor) and part.dim() == 2 for part in given)
    return [given] if alone else given


def epoch(solution: Any, n: int, batch_size: int, seed: int = 1) -> list[tuple[Tensor, Tensor]]:
    """The batches that an answer makes of n windows; an endless answer is stopped."""
    found = islice(iter(several(solution.batches(*text(n), batch_size, seed))), 2 * n + 2)
    return [(torch.as_tensor(x), torch.as_tensor(y)) for x, y in found]


def order(batches: list[tuple[Tensor, Tensor]]) -> list[int]:
    """The windows in the order of the batches."""
    return [int(row[0]) // 10 for x, _ in batches for row in x]


def sizes(n: int, batch_size: int) -> Probe:
    """How many windows each batch holds."""

    def run(solution: Any) -> Any:
        return sorted((len(x) for x, _ in epoch(solution, n, batch_size)), reverse=True)

    return Probe(f"how many of {n} windows each batch holds, with batch_size = {batch_size}", run)


def what_they_hold(solution: Any) -> Any:
    """Properties of an epoch of 64 windows in any drawn order."""
    found = epoch(solution, 64, 8)
    batches = [[int(row[0]) // 10 for row in x] for x, _ in found]
    targets = torch.cat([y for _, y in found])[:, 0]
    return {
        "every window comes once": sorted(order(found)) == list(range(64)),
        "each y is one token ahead of its x": all(torch.equal(x + 1, y) for x, y in found),
        "the windows come in the text's order": order(found) == list(range(64)),
        "the targets come in the text's order": bool((targets.diff() >= 0).all()),
        "every batch holds neighbours": all(max(rows) - min(rows) == len(rows) - 1 for rows in batches),
        "the batches come in the text's order": all(max(a) < min(b) for a, b in pairwise(batches)),
    }


def seeds(solution: Any) -> Any:
    """What the seed does."""
    before = torch.get_rng_state()
    first = order(epoch(solution, 64, 8, seed=1))
    after = torch.get_rng_state()
    again = order(epoch(solution, 64, 8, seed=1))
    return {
        "the same seed gives the same order": first == again,
        "another seed gives another order": first != order(epoch(solution, 64, 8, seed=2)),
        # Of an order that cannot be repeated it does not matter where it was drawn.
        "torch's global random state is left alone": torch.equal(before, after) or first != again,
    }


def large_ids(solution: Any) -> Any:
    """Ids that need more than 15 bits: a single window, so that any order is right."""
    x = torch.tensor([[50255, 7, 300, 40000, 32768]])
    ((first, second),) = several(solution.batches(x, x + 1, 1, 1))
    first, second = torch.as_tensor(first), torch.as_tensor(second)
    return {"x": first, "y": second, "types": sorted({str(first.dtype), str(second.dtype)})}


EXERCISE = exercise_in(
    __file__,
    title="Batches",
    task="""\
A step of training reads some windows at once, a batch, and an epoch reads all windows once. They come in a random
order, so that a batch is a fair sample of the text, and in the same order for the same seed, so that a run can be
repeated.

Draw an order of the n windows, and give them out `batch_size` at a time, x and y together. The last batch holds what is
left over. Take the randomness from a generator of your own: dropout and sampling draw from the global one. A generator
(with yield), an iterator or a list will all do.""",
    symbols={"batches": "nextword.data.plain:batches"},
    hints=(
        "torch.randperm(n) is a random order of 0 to n - 1; it takes a generator=.",
        "torch.Generator().manual_seed(seed) is a generator that nobody else draws from.",
        "x[rows] takes the windows whose numbers are in the tensor rows. order.split(batch_size) cuts the order up.",
    ),
    reference="permutation",
    probes=(
        sizes(10, 4),
        sizes(6, 2),
        Probe("an epoch of 64 windows in batches of 8", what_they_hold),
        Probe("two epochs with the same seed, and one with another", seeds),
        Probe("one window, of ids up to 50256", large_ids),
    ),
)
