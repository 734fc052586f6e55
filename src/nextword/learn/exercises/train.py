"""The training loop: one batch after another, each update at its own learning rate."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.bigram import Bigram, batches
from nextword.train.plain import learning_rate

MISTAKES = (
    Mistake(
        name="rate-late",
        equals="a loop that sets the learning rate after the update, so that each one uses the one before's",
        remedy="Set the learning rate before the update that it is for.",
        why="The first update uses what the optimizer was made with, which may be the peak: just where the warm-up "
        "should have protected the model.",
    ),
    Mistake(
        name="rate-early",
        equals="a loop whose learning rate is one step ahead",
        remedy="Count steps from 0: the first update's rate is learning_rate(0, ...). A scheduler steps after the "
        "optimizer, not before.",
        why="The first value of the warm-up is skipped, and the last update uses one from beyond the curve's end.",
    ),
    Mistake(
        name="rate-never-set",
        equals="a loop that leaves the learning rate as it is",
        remedy='Before each update, write group["lr"] = learning_rate(step, ...) for each group in '
        "optimizer.param_groups.",
        why="Computing the rate is not enough: the optimizer reads it from its groups.",
    ),
    Mistake(
        name="first-group-only",
        equals="a loop that sets the learning rate in the optimizer's first group only",
        remedy="Go through all of optimizer.param_groups.",
        why="AdamW has two groups here, with and without decay. The second one's biases and LayerNorms would be "
        "trained at whatever rate the optimizer was made with.",
    ),
    Mistake(
        name="mode-not-set",
        equals="a loop that does not put the model into training mode",
        remedy="Call model.train() at the beginning.",
        why="A model that was loaded, evaluated or made to write is in evaluation mode, where there is no dropout.",
    ),
    Mistake(
        name="same-batch",
        equals="a loop that learns from the first batch again and again",
        remedy="Make the iterator once, before the loop, or write `for batch in batches`: next(iter(batches)) begins "
        "anew each time.",
        why="The loss falls beautifully: one batch is soon known by heart, and nothing else.",
    ),
    Mistake(
        name="zero-missing",
        equals="a loop that never sets the gradients to zero",
        remedy="Call optimizer.zero_grad() before each backward().",
        why="backward() adds to the gradients that are there, so each update goes by all batches since the beginning.",
    ),
    Mistake(
        name="step-missing",
        equals="a loop that never calls optimizer.step(), so that nothing moves",
        remedy="Call optimizer.step() after backward().",
        why="backward() computes gradients, and no more than that.",
    ),
    Mistake(
        name="clip-missing",
        equals="a loop that does not clip",
        remedy="Pass clip on to gradient_step, or call clip_grad_norm_(model.parameters(), clip) before "
        "optimizer.step().",
        why="One strange batch can throw the model far off.",
    ),
    Mistake(
        name="loss-after-update",
        equals="a loop that notes each batch's loss after the update, instead of before it",
        remedy="Note the loss that backward() was called on.",
        why="After the update the model has seen the batch, so its loss there looks better than on anything new. And "
        "it costs a second forward pass.",
    ),
    Mistake(
        name="graph-kept",
        equals="a loop that keeps each loss with its whole graph",
        remedy="Note a number: loss.item().",
        why="What led to a loss stays in memory as long as the loss is kept: after some hundred steps memory is full.",
    ),
    Mistake(
        name="one-too-few",
        equals="a loop that makes one update too few",
        remedy="Go through range(start, steps), which ends at steps - 1 by itself.",
        why="The last update is the one at the floor of the learning rate.",
    ),
    Mistake(
        name="one-too-many",
        equals="a loop that makes one update too many",
        remedy="Ask whether all updates are made before the update, not after it.",
        why="With start = 0 and steps = 5 the updates are numbers 0 to 4. One more has a learning rate from beyond the "
        "curve's end.",
    ),
    Mistake(
        name="steps-ignored",
        equals="a loop that goes through all batches, however many updates were asked for",
        remedy="Stop after `steps` updates: for step, batch in zip(range(start, steps), batches).",
        why="Training data is endless: there is always one more epoch. The learning rate's curve ends at `steps`.",
    ),
    Mistake(
        name="start-ignored",
        equals="a loop that begins at step 0 also where a run is taken up again",
        remedy="Begin at start: range(start, steps).",
        why="The warm-up would come again in the middle of the run, and the run would be too long.",
    ),
    Mistake(
        name="start-added",
        equals="a loop that makes `steps` more updates where a run is taken up again, instead of those that are left",
        remedy="Go from start to steps, not to start + steps: steps is the length of the whole run.",
        why="The run would go on beyond the end of the learning rate's curve, where it rises again.",
    ),
    Mistake(
        name="batches-skipped",
        equals="a loop that passes over `start` batches where a run is taken up again",
        remedy="Begin with the first batch that is given: it is the one for step `start`.",
        why="The caller knows where in the data the run stands. Skipping in both places would leave out batches that "
        "nobody has learned from.",
    ),
    Mistake(
        name="last-loss-only",
        equals="a loop that gives back the last loss only",
        remedy="Begin with losses = [], append each loss in the loop, and return losses.",
        why="The last batch's loss is noise. Only the whole curve shows whether it still falls.",
    ),
    Mistake(
        name="clip-fixed",
        equals="a loop that clips to a length of 1, whatever is asked for",
        remedy="Use the argument clip instead of 1.0.",
        why="As long as everybody is content with the default, nothing shows.",
    ),
)


def reference(on: Mistakes) -> Any:
    """The loop, with these mistakes."""

    def train(
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        batches: Iterable[tuple[Tensor, Tensor]],
        steps: int,
        warmup: int,
        peak: float,
        *,
        clip: float = 1.0,
        start: int = 0,
    ) -> Any:
        if "mode-not-set" not in on:
            model.train()
        stream = list(batches)
        if "batches-skipped" in on:
            stream = stream[start:]
        first = 0 if "start-ignored" in on else start
        end = first + steps if "start-added" in on else first + len(stream) if "steps-ignored" in on else steps
        end += 1 if "one-too-many" in on else -1 if "one-too-few" in on else 0
        losses: list[Any] = []
        for step, batch in zip(range(first, end), stream, strict=False):
            rate = learning_rate(step + 1 if "rate-early" in on else step, steps, warmup, peak)
            if "rate-late" not in on:
                set_rate(optimizer, rate)
            ids, targets = stream[0] if "same-batch" in on else batch
            if "zero-missing" not in on:
                optimizer.zero_grad()
            loss = loss_of(model, ids, targets)
            loss.backward()
            if "clip-missing" not in on:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0 if "clip-fixed" in on else clip)
            if "step-missing" not in on:
                optimizer.step()
            if "loss-after-update" in on:
                loss = loss_of(model, ids, targets)
            losses.append(loss if "graph-kept" in on else loss.item())
            if "rate-late" in on:
                set_rate(optimizer, rate)
        return losses[-1] if "last-loss-only" in on else losses

    def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
        groups = [] if "rate-never-set" in on else optimizer.param_groups
        for group in groups[:1] if "first-group-only" in on else groups:
            group["lr"] = rate

    return SimpleNamespace(train=train)


def loss_of(model: nn.Module, ids: Tensor, targets: Tensor) -> Tensor:
    """A model's loss on a batch."""
    return F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())


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
    """Batches to go through with `for`, as a loader's, or one by one with `next`, as an iterator's."""

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
    """The mode in which the model reads the batches, which was in evaluation mode before."""
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
    """Whether losses keep what led to them."""
    found = run(solution)[0]
    found = found if isinstance(found, list | tuple) else [found]
    kept = any(isinstance(loss, Tensor) and loss.requires_grad for loss in found)
    return "tensors with their graphs" if kept else "numbers"


def resumed(solution: Any) -> Any:
    """The learning rates of a run that is taken up again."""
    return [rates[0] for rates in run(solution, start=3)[2].rates]


def resumed_losses(solution: Any) -> Any:
    """Which batches are read then: the first ones that are given."""
    return numbers_of(run(solution, start=3)[0])


EXERCISE = Exercise(
    name="train",
    title="The training loop",
    task="""\
All parts are there: put them together. For each step from start to steps - 1: set the learning rate in all of the
optimizer's groups, make one update with the next batch, and note the loss that the batch had before the update.

    train(model, optimizer, batches, steps=1000, warmup=50, peak=3e-4) -> 1000 losses

The model must be in training mode. start is not 0 where a run is taken up again: then the first batch that is given is
the one for step `start`.""",
    symbols={"train": "nextword.train.plain:train"},
    stub='''
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from parts import gradient_step, learning_rate


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[tuple[Tensor, Tensor]],
    steps: int,
    warmup: int,
    peak: float,
    *,
    clip: float = 1.0,
    start: int = 0,
) -> list[float]:
    """@train"""
    ...
''',
    hints=(
        "zip(range(start, steps), batches) gives each step its batch, and ends in time.",
        'optimizer.param_groups is a list of dictionaries; each one\'s "lr" is what the next update uses.',
        "gradient_step(model, optimizer, [batch], clip) makes the update, and gives back the loss before it.",
    ),
    mistakes=MISTAKES,
    reference=reference,
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
