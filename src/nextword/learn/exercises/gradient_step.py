"""One update: the gradient of several small batches, shortened where it is too long."""

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.bigram import Bigram, batches

MISTAKES = (
    Mistake(
        name="zero-missing",
        equals="a step that never sets the gradients to zero",
        remedy="Call optimizer.zero_grad() at the beginning, before the first backward().",
        why="backward() adds to the gradients that are there. The gradients of all steps before pile up, and the "
        "model moves where it should have gone long ago.",
    ),
    Mistake(
        name="zero-after-backward",
        equals="a step that sets the gradients to zero between backward() and step(), so that nothing moves",
        remedy="Call optimizer.zero_grad() before the first backward(), or after optimizer.step().",
        why="The optimizer finds no gradients. Nothing complains, and the loss stays where it is.",
    ),
    Mistake(
        name="zero-between",
        equals="a step that sets the gradients to zero for each micro batch, so that only the last one counts",
        remedy="Move optimizer.zero_grad() out of the loop: once, before it.",
        why="All but the last micro batch's work is thrown away. The batch is as small as without accumulation.",
    ),
    Mistake(
        name="step-inside",
        equals="a step that updates the weights after each micro batch",
        remedy="Move the clipping and optimizer.step() out of the loop: once, after it.",
        why="Accumulation is there to make one good update of many small batches, not many updates.",
    ),
    Mistake(
        name="own-updates",
        equals="an update of its own for each micro batch",
        remedy="Before the loop: zero_grad. In it: the loss, divided by the number of micro batches, and backward(). "
        "After it: clipping and step().",
        why="A loop with all of a training step in it makes many small batches of one large one.",
    ),
    Mistake(
        name="undivided",
        equals="a step whose gradient is the sum over the micro batches instead of their mean",
        remedy="Divide each loss by the number of micro batches before backward().",
        why="With 8 micro batches the gradient is 8 times as long. Clipping and AdamW hide most of it, so it "
        "shows as a model that is clipped at every step.",
    ),
    Mistake(
        name="nothing-divided",
        equals="a step that adds up the micro batches, gradients and losses, instead of taking the mean",
        remedy="Divide each loss by the number of micro batches: loss = cross_entropy(...) / len(micro_batches).",
        why="With 8 micro batches the loss and the gradient are 8 times as large as those of one large batch.",
    ),
    Mistake(
        name="divided-twice",
        equals="a step whose gradient is divided by the number of micro batches twice",
        remedy="Divide the loss before backward(), or the gradients after the loop: not both.",
        why="The gradient is too short, which AdamW hides nearly always, and which clipping never notices.",
    ),
    Mistake(
        name="clip-missing",
        equals="a step that does not clip",
        remedy="Shorten the gradient before optimizer.step(): torch.nn.utils.clip_grad_norm_(model.parameters(), "
        "clip).",
        why="Clipping matters a few times in a thousand steps: when a strange batch has a gradient a hundred times "
        "longer than usual, and would throw the model far off.",
    ),
    Mistake(
        name="clip-after-step",
        equals="a step that clips after the update, when it is too late",
        remedy="Clip between the last backward() and optimizer.step().",
        why="The optimizer has used the long gradient already; what is clipped then is thrown away.",
    ),
    Mistake(
        name="clip-per-tensor",
        equals="a step that clips each parameter's gradient by itself",
        remedy="Take one length over all parameters, and shorten all gradients by the same factor: one call of "
        "clip_grad_norm_ with all parameters.",
        why="Clipped one by one, the parts of the gradient change their proportions: it no longer points downhill.",
    ),
    Mistake(
        name="clip-by-value",
        equals="a step that cuts off single numbers of the gradient at plus and minus clip",
        remedy="Shorten the gradient as a whole: clip_grad_norm_, not clip_grad_value_.",
        why="Cut number by number, the gradient turns away from where it pointed.",
    ),
    Mistake(
        name="clip-each",
        equals="a step that clips after each micro batch, before the gradient is complete",
        remedy="Clip once, after the loop.",
        why="The first micro batches are shortened again and again, so the last one counts the most.",
    ),
    Mistake(
        name="clip-always",
        equals="a step that brings the gradient to the length of clip even where it is shorter",
        remedy="Shorten it only where its length exceeds clip: the factor is min(1, clip / length).",
        why="Near the end of training gradients are short. Stretched, they keep the model from coming to rest.",
    ),
    Mistake(
        name="lengths-added",
        equals="a step that adds up the lengths of the parameters' gradients for the whole length",
        remedy="Add up the squares of all numbers, and take the root of the sum.",
        why="Lengths of parts at right angles add like the sides of a triangle (Pythagoras), so this "
        "length is too large, and the gradient is clipped too often and too much.",
    ),
    Mistake(
        name="root-missing",
        equals="a step that takes the sum of the squares for the gradient's length",
        remedy="Take the root of the sum of the squares.",
        why="Squares of long gradients are much too large and those of short ones too small: it clips wildly or never.",
    ),
    Mistake(
        name="loss-of-last",
        equals="a step that gives back the last micro batch's loss instead of the mean of all",
        remedy="Add up the losses in the loop, and give back their mean.",
        why="The weights move as they should, but the curve that you look at is as noisy as a small batch's.",
    ),
    Mistake(
        name="share-of-last",
        equals="a step that gives back the last micro batch's loss, divided by their number",
        remedy="Add up the divided losses in the loop: total += loss.item().",
        why="Inside the loop `loss` is a share of the whole. After it, it is the last share.",
    ),
    Mistake(
        name="loss-sum",
        equals="a step that gives back the sum of the micro batches' losses instead of their mean",
        remedy="Divide by the number of micro batches before giving the loss back.",
        why="The weights move as they should, but the loss that is shown grows with the number of micro batches.",
    ),
    Mistake(
        name="loss-divided-twice",
        equals="a step that gives back a loss that was divided by the number of micro batches twice",
        remedy="Add up either the divided losses, or the whole ones and divide at the end: not both.",
        why="The weights move as they should, but the model looks better than it is.",
    ),
    Mistake(
        name="graph-kept",
        equals="a step that gives back a loss with its whole graph",
        remedy="Give back a number: loss.item(), or loss.detach().",
        why="As long as somebody keeps such a loss, all that led to it stays in memory: a list of losses fills "
        "the machine.",
    ),
    Mistake(
        name="step-missing",
        equals="a step that never calls optimizer.step(), so that nothing moves",
        remedy="Call optimizer.step() at the end, after clipping.",
        why="backward() computes gradients, and no more than that: it is step() that moves the weights.",
    ),
)


def reference(on: Mistakes) -> Any:
    """The step, with these mistakes."""

    def gradient_step(
        model: nn.Module, optimizer: torch.optim.Optimizer, micro_batches: Sequence[tuple[Tensor, Tensor]], clip: float
    ) -> Any:
        n, losses = len(micro_batches), []
        share = 1.0 / n**2 if "divided-twice" in on else 1.0 / n
        share = 1.0 if on & {"undivided", "nothing-divided", "own-updates"} else share
        if "zero-missing" not in on:
            optimizer.zero_grad()
        for ids, targets in micro_batches:
            if on & {"zero-between", "own-updates"}:
                optimizer.zero_grad()
            loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
            (loss * share).backward()
            losses.append(loss)
            if on & {"step-inside", "clip-each", "own-updates"}:
                limit(model, clip)
            if on & {"step-inside", "own-updates"}:
                optimizer.step()
        if "zero-after-backward" in on:
            optimizer.zero_grad()
        if not on & {"step-inside", "own-updates"}:
            if not on & {"clip-after-step", "clip-each"}:
                limit(model, clip)
            if "step-missing" not in on:
                optimizer.step()
            if "clip-after-step" in on:
                limit(model, clip)
        return given_back(torch.stack(losses))

    def limit(model: nn.Module, clip: float) -> None:
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        squares = [gradient.square().sum().item() for gradient in gradients]
        length = math.sqrt(sum(squares))
        if "lengths-added" in on:
            length = sum(math.sqrt(square) for square in squares)
        if "root-missing" in on:
            length = sum(squares)
        for gradient, square in zip(gradients, squares, strict=True):
            if "clip-missing" in on:
                continue
            if "clip-by-value" in on:
                gradient.clamp_(-clip, clip)
                continue
            factor = clip / (math.sqrt(square) if "clip-per-tensor" in on else length)
            gradient *= factor if "clip-always" in on else min(1.0, factor)

    def given_back(losses: Tensor) -> Any:
        loss = losses[-1] if on & {"loss-of-last", "share-of-last"} else losses.mean()
        loss = loss * len(losses) if on & {"loss-sum", "nothing-divided"} else loss
        loss = loss / len(losses) if on & {"share-of-last", "loss-divided-twice"} else loss
        return loss if "graph-kept" in on else loss.item()

    return SimpleNamespace(gradient_step=gradient_step)


def moved(solution: Any, n_micro: int, clip: float, steps: int = 1) -> Tensor:
    """How the 35 weights have moved after some updates by their gradients (SGD with a learning rate of 1)."""
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
    """Where nothing moves, whether that is because nobody called step()."""
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
    """Whether the loss keeps what led to it."""
    model = Bigram()
    loss = solution.gradient_step(model, torch.optim.SGD(model.parameters(), lr=1.0), list(batches(2)), 100.0)
    return "a tensor with its graph" if isinstance(loss, Tensor) and loss.requires_grad else "a number"


EXERCISE = Exercise(
    name="gradient_step",
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
    stub='''
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from parts import cross_entropy


def gradient_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, micro_batches: Sequence[tuple[Tensor, Tensor]], clip: float
) -> float:
    """@gradient_step"""
    ...
''',
    hints=(
        "optimizer.zero_grad() comes once, before the loop; clipping and optimizer.step() once, after it.",
        "In the loop: loss = cross_entropy(model(ids), targets) / len(micro_batches), then loss.backward(), and "
        "total += loss.item().",
        "The length is the root of the sum of the squares of all numbers in all p.grad. Or let "
        "torch.nn.utils.clip_grad_norm_(model.parameters(), clip) do step 3.",
    ),
    mistakes=MISTAKES,
    reference=reference,
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
