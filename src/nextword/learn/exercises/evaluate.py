"""Evaluation: the mean loss on text that the model does not learn from."""

import math
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.bigram import Bigram

MISTAKES = (
    Mistake(
        name="dropout-on",
        equals="an evaluation of the model as it is in training, with dropout on",
        remedy="Call model.eval() before the loop.",
        why="Dropout cripples the model at random, so it seems worse than it is, and by another number each time.",
    ),
    Mistake(
        name="left-in-eval",
        equals="an evaluation that leaves the model in evaluation mode",
        remedy="Remember model.training at the beginning, and call model.train(was_training) at the end.",
        why="Training goes on afterwards, and from the first evaluation on it goes on without dropout. Nothing "
        "complains; the model learns its text by heart.",
    ),
    Mistake(
        name="left-in-training",
        equals="an evaluation that always leaves the model in training mode",
        remedy="Remember model.training at the beginning, and call model.train(was_training) at the end.",
        why="Somebody who measures a finished model, and then lets it write, gets text written with dropout.",
    ),
    Mistake(
        name="graph-kept",
        equals="an evaluation that keeps all that gradients would need",
        remedy="Put the loop under `with torch.no_grad():`.",
        why="The numbers are right, but each batch takes several times the memory, and more time.",
    ),
    Mistake(
        name="backward-left-in",
        equals="an evaluation that computes gradients and leaves them at the weights",
        remedy="Take backward() out, and put the loop under `with torch.no_grad():`.",
        why="The next update of the training loop may add its gradients to these: it learns from the validation text.",
    ),
    Mistake(
        name="unweighted",
        equals="a mean in which every batch counts the same, however many tokens it has",
        remedy="Weight each batch's loss with its number of targets: total += loss.item() * targets.numel(), and "
        "divide by the number of all targets.",
        why="The last batch of a text is usually smaller. Unweighted, its tokens count for more, and the result "
        "depends on the batch size.",
    ),
    Mistake(
        name="weighted-by-texts",
        equals="a mean that is weighted by the batches' numbers of texts instead of tokens",
        remedy="Weight with targets.numel(), which is B * T, not with targets.size(0), which is B.",
        why="The last text is usually shorter than the others, so that its tokens count for more.",
    ),
    Mistake(
        name="divided-by-batches",
        equals="a sum over all tokens that is divided by the number of batches",
        remedy="Divide by the number of all tokens, once each loss was multiplied by its batch's.",
        why="The sum is one over tokens, so it is tokens that the mean is over.",
    ),
    Mistake(
        name="sum",
        equals="the sum of all tokens' losses instead of their mean",
        remedy="Divide by the number of all tokens at the end.",
        why="A sum grows with the text, and says nothing by itself.",
    ),
    Mistake(
        name="last-dropped",
        equals="an evaluation that leaves out the last batch",
        remedy="Go through all batches, also the last one, which may be smaller.",
        why="Training may drop what does not fill a batch; a measurement must not, or it is of another text for every "
        "batch size.",
    ),
    Mistake(
        name="first-only",
        equals="an evaluation of the first batch only",
        remedy="Return after the loop, not in it.",
        why="A return that is indented too far ends the loop in its first round. A single batch's loss is noise.",
    ),
    Mistake(
        name="last-only",
        equals="an evaluation that gives back the last batch's loss",
        remedy="Add up the losses in the loop, and give back their weighted mean.",
        why="After a loop, `loss` is what its last round left there.",
    ),
    Mistake(
        name="perplexity",
        equals="the perplexity instead of the loss",
        remedy="Leave exp away: the loss in nats is asked for.",
        why="Both are good to know, and easily confused in a table: 3.0 nats are a perplexity of 20.",
    ),
    Mistake(
        name="gradients-left-off",
        equals="an evaluation after which gradients stay off",
        remedy="Use `with torch.no_grad():` around the loop, or @torch.no_grad() above the function: both end by "
        "themselves.",
        why="torch.set_grad_enabled(False) holds until somebody turns gradients on again. The next loss.backward() "
        "fails, far from here.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Evaluation, with these mistakes."""

    def evaluate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
        was_training = model.training
        if "dropout-on" not in on:
            model.eval()
        chosen = list(batches)
        chosen = chosen[:-1] if "last-dropped" in on else chosen[:1] if "first-only" in on else chosen
        total, count = 0.0, 0
        for ids, targets in chosen:
            with torch.set_grad_enabled(bool(on & {"graph-kept", "backward-left-in"})):
                loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
            if "backward-left-in" in on:
                loss.backward()
            weight = 1 if "unweighted" in on else targets.size(0) if "weighted-by-texts" in on else targets.numel()
            if "last-only" in on:
                total, count = 0.0, 0
            total += loss.item() * weight
            count += weight
        if "left-in-eval" not in on and "dropout-on" not in on:
            model.train(was_training or "left-in-training" in on)
        mean = total / (1 if "sum" in on else len(chosen) if "divided-by-batches" in on else count)
        if "gradients-left-off" in on:
            torch.set_grad_enabled(False)
        return math.exp(mean) if "perplexity" in on else mean

    return SimpleNamespace(evaluate=evaluate)


def batch(B: int, T: int, seed: int) -> tuple[Tensor, Tensor]:
    """B texts of T tokens, with targets."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, (B, T + 1), generator=generator)
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()  # targets.view(-1) works, as with real batches


def text() -> list[tuple[Tensor, Tensor]]:
    """Batches of 8, 8 and 3 tokens."""
    return [batch(2, 4, 0), batch(2, 4, 1), batch(1, 3, 2)]


def evaluated(solution: Any, model: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> Any:
    """What the answer says. If it turns gradients off for good, they are on again for the next one."""
    with torch.enable_grad():
        return solution.evaluate(model, batches)


def one_batch(solution: Any) -> Any:
    """A model in evaluation mode, and nothing to weight."""
    return evaluated(solution, Bigram().eval(), [batch(2, 4, 0)])


def three_batches(solution: Any) -> Any:
    """A shorter one comes last."""
    return evaluated(solution, Bigram().eval(), text())


def from_training(solution: Any) -> Any:
    """A model that is in training mode before."""
    return evaluated(solution, Bigram().train(), text())


def mode_meanwhile(solution: Any) -> Any:
    """The mode in which the batches are read."""
    model = Bigram().train()
    evaluated(solution, model, text())
    return "training" if any(model.modes) else "evaluation"


def mode_after_training(solution: Any) -> Any:
    """The mode afterwards, where it was training."""
    model = Bigram().train()
    evaluated(solution, model, text())
    return "training" if model.training and model.wte.training else "evaluation"


def mode_after_evaluation(solution: Any) -> Any:
    """The mode afterwards, where it was evaluation."""
    model = Bigram().eval()
    evaluated(solution, model, text())
    return "training" if model.training or model.wte.training else "evaluation"


def graphs(solution: Any) -> Any:
    """Whether the batches were read as if there were to be gradients."""
    model = Bigram()
    evaluated(solution, model, text())
    return "kept" if any(model.graphs) else "not kept"


def gradients(solution: Any) -> Any:
    """Whether the weights have gradients afterwards."""
    model = Bigram()
    evaluated(solution, model, text())
    return "some" if any(p.grad is not None for p in model.parameters()) else "none"


def gradients_afterwards(solution: Any) -> Any:
    """Whether whatever comes next has gradients."""
    with torch.enable_grad():
        solution.evaluate(Bigram(), text())
        return "on" if torch.is_grad_enabled() else "off"


EXERCISE = Exercise(
    name="evaluate",
    title="Evaluation",
    task="""\
Whether a model understands or only remembers is seen on text that it has not learned from. Measure its mean loss there,
over all tokens. The batches may differ in size, so each one's mean counts by its number of tokens.

Meanwhile dropout must be off (model.eval()), and nothing is kept for gradients (torch.no_grad()). Afterwards the model
must be in the mode that it was in before, whichever that was, since training goes on.""",
    symbols={"evaluate": "nextword.evaluate.plain:evaluate"},
    stub='''
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from parts import cross_entropy


def evaluate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """@evaluate"""
    ...
''',
    hints=(
        "model.training says in which mode the model is: remember it, and put it back with model.train(was_training).",
        "In the loop, add up loss.item() * targets.numel() and targets.numel(); at the end divide one by the other.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("the loss on one batch", one_batch),
        Probe("the loss on batches of 8, 8 and 3 tokens", three_batches),
        Probe("the same loss, where the model was in training mode before", from_training),
        Probe("the mode in which the model reads the batches", mode_meanwhile),
        Probe("the mode afterwards, where it was training before", mode_after_training),
        Probe("the mode afterwards, where it was evaluation before", mode_after_evaluation),
        Probe("what gradients would need, while the batches are read", graphs),
        Probe("gradients at the weights afterwards", gradients),
        Probe("whether gradients are on afterwards, as they were before", gradients_afterwards),
    ),
)
