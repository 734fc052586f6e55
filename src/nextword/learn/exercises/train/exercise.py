"""The training loop: one batch after another, each update at its own learning rate."""

from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.bigram import Bigram, batches


class Recorder(torch.optim.SGD):
    """Gradient descent in two groups, which remembers each update's learning rates and the gradient's length."""

    def __init__(self, model: Bigram):
        super().__init__([{"params": model.wte.parameters()}, {"params": model.head.parameters()}], lr=0.7)
        self.model = model
        self.rates: list[list[float]] = []
        self.lengths: list[float] = []

    def step(self, closure: Any = None) -> Any:
        """Make an update."""
        self.rates.append([float(group["lr"]) for group in self.param_groups])
        self.lengths.append(
            nn.utils.get_total_norm([p.grad for p in self.model.parameters() if p.grad is not None]).item()
        )
        return super().step(closure)


class Stream(list[tuple[Tensor, Tensor]]):
    """Batches both as a loader (`for`) and as an iterator (`next`)."""

    def __next__(self) -> tuple[Tensor, Tensor]:
        self.position = getattr(self, "position", -1) + 1
        return self[self.position]


def run(solution: Any, start: int = 0, training: bool = True) -> tuple[Any, Bigram, Recorder]:
    """A short run, of which more batches are there than it needs -> losses, model, optimizer."""
    model = Bigram().train(training)
    optimizer = Recorder(model)
    losses = solution.train(model, optimizer, Stream(batches(8)), 5, 2, 1.0, clip=0.8, start=start)
    return losses, model, optimizer


# Each looks at one thing as far as can be, so that several mistakes together are still told apart.


def rates(solution: Any) -> Any:
    """The learning rates that the optimizer used; how many is another question."""
    return [rates[0] for rates in run(solution)[2].rates[:5]]


def rates_of_second_group(solution: Any) -> Any:
    """The same in the optimizer's second group."""
    return [rates[1] for rates in run(solution)[2].rates[:5]]


def number(solution: Any) -> Any:
    """How many losses are given back."""
    found = run(solution)[0]
    if isinstance(found, list | tuple) or (isinstance(found, Tensor) and found.dim() > 0):
        return len(found)
    return "nothing: None" if found is None else "a single number, and no list"


def mode(solution: Any) -> Any:
    """The model's mode while it reads the batches, from eval mode before."""
    return "training" if all(run(solution, training=False)[1].modes) else "evaluation"


def first_length(solution: Any) -> Any:
    """What comes before any update: it does not depend on learning rates."""
    return run(solution)[2].lengths[:1]


def losses(solution: Any) -> Any:
    """What is given back."""
    return numbers_of(run(solution)[0])


def numbers_of(losses: Any) -> Any:
    """A list of losses, or a single one, without what led to them."""
    if isinstance(losses, list | tuple):
        return [numbers_of(loss) for loss in losses]
    return losses.tolist() if isinstance(losses, Tensor) else losses


def bias(solution: Any) -> Any:
    """Five of the weights at the end."""
    return run(solution)[1].head.bias.detach()


def kind(solution: Any) -> Any:
    """Whether losses keep their graphs."""
    found = run(solution)[0]
    found = found if isinstance(found, list | tuple) else [found]
    kept = any(isinstance(loss, Tensor) and loss.requires_grad for loss in found)
    return "tensors with their graphs" if kept else "numbers"


def resumed(solution: Any) -> Any:
    """The learning rates of a run that is taken up again."""
    return [rates[0] for rates in run(solution, start=3)[2].rates]


def resumed_losses(solution: Any) -> Any:
    """Batches read by a resumed run: the first ones given."""
    return numbers_of(run(solution, start=3)[0])


EXERCISE = exercise_in(
    __file__,
    title="The training loop",
    task="""\
All parts are there: put them together. For each step from start to steps - 1: set the learning rate in all of the
optimizer's groups, make one update with the next batch, and note the loss that the batch had before the update.

    train(model, optimizer, batches, steps=1000, warmup=50, peak=3e-4) -> 1000 losses

The model must be in training mode. start is not 0 where a run is taken up again: then the first batch that is given is
the one for step `start`.""",
    symbols={"train": "nextword.train.plain:train"},
    hints=(
        "zip(range(start, steps), batches) gives each step its batch, and ends in time.",
        'optimizer.param_groups is a list of dictionaries; each one\'s "lr" is what the next update uses.',
        "gradient_step(model, optimizer, [batch], clip) makes the update, and gives back the loss before it.",
    ),
    reference="written_out",
    probes=(
        Probe("the learning rates of a run of 5 updates, with a warm-up of 2 and a peak of 1", rates),
        Probe("the same in the optimizer's second group", rates_of_second_group),
        Probe("how many losses are given back", number),
        Probe("the mode in which the model reads the batches", mode),
        Probe("the gradient's length at the first update, with clip = 0.8", first_length),
        Probe("the losses", losses),
        Probe("a bias of 5 numbers at the end", bias),
        Probe("what kind of losses are given back", kind),
        Probe("the learning rates of a run of 5 updates that goes on after the third", resumed),
        Probe("the losses of that run, whose batches are those that come next", resumed_losses),
    ),
)
