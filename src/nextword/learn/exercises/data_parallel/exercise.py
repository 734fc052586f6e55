"""Data parallelism: one update by several processes."""

from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.bigram import Bigram, batches
from nextword.learn.fixtures.ranks import on_ranks

FAR = 100.0
"""A clipping length that is never reached."""


class RowCounting(Bigram):
    """A bigram model that counts its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0

    def forward(self, ids: Tensor) -> Tensor:
        """Score each next token by the token before it."""
        self.rows += len(ids)
        return super().forward(ids)


def texts(rows: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw ids and targets of some texts of four tokens."""
    drawn = list(batches(rows // 2, seed=seed))
    return torch.cat([ids for ids, _ in drawn]), torch.cat([targets for _, targets in drawn])


def trained(
    solution: Any, ranks: int, clip: float, steps: int = 1, lr: float = 1.0
) -> list[tuple[RowCounting, list[Any]]]:
    """Train a model on each rank, by SGD. -> the models, and what each step gave back."""

    def work(rank: int, all_reduce: Any) -> tuple[RowCounting, list[Any]]:
        model = RowCounting()
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        told = []
        for step in range(steps):
            ids, targets = texts(12, seed=step)
            told.append(
                solution.parallel_step(
                    model, optimizer, ids, targets, clip, rank=rank, ranks=ranks, all_reduce=all_reduce
                )
            )
        return model, told

    return on_ranks(ranks, work)


def change(model: nn.Module) -> Tensor:
    """Change of all 35 weights since the beginning, those of the head's bias first."""
    now, then = (torch.cat([p.detach().flatten() for p in reversed(list(m.parameters()))]) for m in (model, Bigram()))
    return now - then


def alone(solution: Any) -> Any:
    """One rank: nothing to share."""
    return change(trained(solution, 1, FAR)[0][0])


def of_two(solution: Any) -> Any:
    """What the first of two ranks does."""
    return change(trained(solution, 2, FAR)[0][0])


def of_three(solution: Any) -> Any:
    """What the last of three ranks does."""
    return change(trained(solution, 3, FAR)[2][0])


def alike(solution: Any) -> Any:
    """The largest difference between the weights of three ranks."""
    changes = torch.stack([change(model) for model, _ in trained(solution, 3, FAR, steps=2, lr=0.1)])
    return (changes - changes[0]).abs().max()


def rows(solution: Any) -> Any:
    """How much of the batch each rank reads."""
    return [model.rows for model, _ in trained(solution, 3, FAR)]


def loss(solution: Any) -> Any:
    """What each of two ranks gives back."""
    return [told[0] for _, told in trained(solution, 2, FAR)]


def clipped(solution: Any) -> Any:
    """A clipping length that is exceeded."""
    return change(trained(solution, 3, 0.2)[0][0])


def two_steps(solution: Any) -> Any:
    """The second update of two ranks."""
    return change(trained(solution, 2, FAR, steps=2, lr=0.1)[1][0]) - change(trained(solution, 2, FAR, lr=0.1)[1][0])


def kind(solution: Any) -> Any:
    """Whether the loss is a number."""
    given = trained(solution, 2, FAR)[0][1][0]
    return "a tensor with its graph" if isinstance(given, Tensor) and given.requires_grad else "a number"


EXERCISE = exercise_in(
    __file__,
    title="Data parallel training",
    task="""\
Several processes train one model: each has all of the weights, equal everywhere, and reads its own share of the rows of
a batch. If all then move by the same gradient, they stay equal for ever. That is all that DistributedDataParallel does.

The processes are ranks 0 to ranks - 1. Each calls your function with its own model and optimizer and with the same
batch of B rows, a multiple of ranks: the first B / ranks are for rank 0, and so on. all_reduce(x) puts the sum of all
ranks' x into each rank's x, and comes back when all of them have called it.

    1. set the gradients to zero; the loss of this rank's B / ranks rows; backward()
    2. each gradient becomes the mean over all ranks
    3. clip as if there were one process: all gradients together, to the length clip
    4. optimizer.step()

Give back the whole batch's loss, as a number, the same on all ranks. ranks may be 1.""",
    symbols={"parallel_step": "nextword.train.plain:parallel_step"},
    hints=(
        "Rank r's rows are ids[r * share : (r + 1) * share] with share = len(ids) // ranks, and targets likewise.",
        "After backward(), for each parameter: all_reduce(p.grad), then p.grad /= ranks. All ranks must call "
        "all_reduce equally often, and in the same order.",
        "The loss too: mean = loss.detach().clone(); all_reduce(mean); return mean.item() / ranks. "
        "torch.nn.utils.clip_grad_norm_(model.parameters(), clip) clips, once all gradients are means.",
    ),
    reference="by_hand",
    probes=(
        Probe("how the 35 weights of a small model move with one rank", alone),
        Probe("how they move on the first of two ranks", of_two),
        Probe("how they move on the last of three ranks", of_three),
        Probe("how far three ranks' weights are apart after two updates", alike),
        Probe("how many of 12 rows each of three ranks reads", rows),
        Probe("the loss that each of two ranks gives back", loss),
        Probe("how the weights move on three ranks, clipped to a length of 0.2", clipped),
        Probe("how the weights of two ranks move in the second update", two_steps),
        Probe("what kind of loss is given back", kind),
    ),
)
