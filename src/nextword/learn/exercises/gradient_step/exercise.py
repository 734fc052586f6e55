"""One update: the gradient of several small batches, shortened where it is too long."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.bigram import Bigram, batches


def moved(solution: Any, n_micro: int, clip: float, steps: int = 1) -> Tensor:
    """Change of the 35 weights after some updates by SGD, learning rate 1."""
    model = Bigram()
    before = vector(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for step in range(steps):
        solution.gradient_step(model, optimizer, list(batches(n_micro, seed=step)), clip)
    return vector(model) - before


def vector(model: nn.Module) -> Tensor:
    """All weights in a row, those of the head's bias first."""
    return torch.cat([p.detach().flatten() for p in reversed(list(model.parameters()))])


def loss_of_three(solution: Any) -> Any:
    """What is given back."""
    model = Bigram()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    return solution.gradient_step(model, optimizer, list(batches(3)), 100.0)


def one_small_batch(solution: Any) -> Any:
    """A clipping length that is never reached."""
    return moved(solution, 1, 100.0)[:5]


def three_small_batches(solution: Any) -> Any:
    """Accumulation, without clipping."""
    return moved(solution, 3, 100.0)[:5]


def clipped(solution: Any) -> Any:
    """A clipping length that is exceeded: the head's bias."""
    return moved(solution, 3, 0.5)[:5]


def all_clipped(solution: Any) -> Any:
    """The same for all weights, with one batch."""
    return moved(solution, 1, 0.5)


def two_updates(solution: Any) -> Any:
    """What the first leaves must not matter to the second. One batch each, so that where it is divided is no matter."""
    return moved(solution, 1, 100.0, steps=2)[:5]


def stepped(solution: Any) -> Any:
    """Whether step() was called at all, where nothing moves."""
    model, calls = Bigram(), list[str]()
    before = vector(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    optimizer.register_step_post_hook(lambda *_: calls.append("step"))
    solution.gradient_step(model, optimizer, list(batches(1)), 100.0)
    return "yes" if calls or not torch.equal(vector(model), before) else "no"


def left(solution: Any) -> Any:
    """Whether gradients longer than clip are left. None at all, or zeros, are as good as clipped ones."""
    model = Bigram()
    solution.gradient_step(model, torch.optim.SGD(model.parameters(), lr=1.0), list(batches(3)), 0.5)
    squares = [p.grad.square().sum().item() for p in model.parameters() if p.grad is not None]
    return math.sqrt(sum(squares)) > 0.501


def graph(solution: Any) -> Any:
    """Whether the loss keeps its graph."""
    model = Bigram()
    loss = solution.gradient_step(model, torch.optim.SGD(model.parameters(), lr=1.0), list(batches(2)), 100.0)
    return "a tensor with its graph" if isinstance(loss, Tensor) and loss.requires_grad else "a number"


EXERCISE = exercise_in(
    __file__,
    title="One update",
    task="""\
A large batch makes a steady gradient, but may not fit into memory. So it is read as several micro batches, whose
gradients add up: backward() always adds to what is there. One update is:

    1. set the gradients to zero
    2. for each micro batch: the loss, divided by the number of micro batches, and backward()
    3. all gradients together are one long vector: where its length exceeds clip, shorten it to that length
    4. optimizer.step()

Give back the mean of the micro batches' losses, as a number.""",
    symbols={"gradient_step": "nextword.train.plain:gradient_step"},
    hints=(
        "optimizer.zero_grad() comes once, before the loop; clipping and optimizer.step() once, after it.",
        "In the loop: loss = cross_entropy(model(ids), targets) / len(micro_batches), then loss.backward(), and "
        "total += loss.item().",
        "The length is the root of the sum of the squares of all numbers in all p.grad. Or let "
        "torch.nn.utils.clip_grad_norm_(model.parameters(), clip) do step 3.",
    ),
    reference="by_hand",
    probes=(
        Probe("how a bias of 5 numbers moves after one small batch, without clipping", one_small_batch),
        Probe("how it moves after three micro batches, without clipping", three_small_batches),
        Probe("the loss that is given back after three micro batches", loss_of_three),
        Probe("how the bias moves after three micro batches, clipped to a length of 0.5", clipped),
        Probe("how all weights move after one small batch, clipped to a length of 0.5", all_clipped),
        Probe("how the bias moves in two updates, of one batch each", two_updates),
        Probe("whether the optimizer is asked to step", stepped),
        Probe("whether gradients longer than clip are left at the end", left),
        Probe("what kind of loss is given back", graph),
    ),
)
