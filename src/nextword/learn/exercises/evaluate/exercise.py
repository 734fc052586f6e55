"""Evaluation: the mean loss on text that the model does not learn from."""

from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.bigram import Bigram


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
    """Whether gradients were kept while the batches were read."""
    model = Bigram()
    evaluated(solution, model, text())
    return "kept" if any(model.graphs) else "not kept"


def gradients(solution: Any) -> Any:
    """Whether the weights have gradients afterwards."""
    model = Bigram()
    evaluated(solution, model, text())
    return "some" if any(p.grad is not None for p in model.parameters()) else "none"


def gradients_afterwards(solution: Any) -> Any:
    """Whether gradients are on afterwards."""
    with torch.enable_grad():
        solution.evaluate(Bigram(), text())
        return "on" if torch.is_grad_enabled() else "off"


EXERCISE = exercise_in(
    __file__,
    title="Evaluation",
    task="""\
Whether a model understands or only remembers is seen on text that it has not learned from. Measure its mean loss there,
over all tokens. The batches may differ in size, so each one's mean counts by its number of tokens.

Meanwhile dropout must be off (model.eval()), and nothing is kept for gradients (torch.no_grad()). Afterwards the model
must be in the mode that it was in before, whichever that was, since training goes on.""",
    symbols={"evaluate": "nextword.evaluate.plain:evaluate"},
    hints=(
        "model.training says in which mode the model is: remember it, and put it back with model.train(was_training).",
        "In the loop, add up loss.item() * targets.numel() and targets.numel(); at the end divide one by the other.",
    ),
    reference="running_total",
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
