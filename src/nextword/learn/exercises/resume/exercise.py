"""Resume: a run that stops and goes on as if it had never stopped."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nextword.learn.checker.comparing import same
from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.bigram import Bigram, batches
from nextword.train.plain import learning_rate


class Dropping(Bigram):
    """A bigram model with real dropout."""

    def forward(self, ids: Tensor) -> Tensor:
        """Score each next token by what is left of the token before it."""
        return self.head(F.dropout(self.wte(ids), 0.5, self.training))


SAVED, STEPS, WARMUP, PEAK = 2, 4, 1, 0.1


def begin(rate: float) -> tuple[Dropping, torch.optim.AdamW]:
    """A model and an optimizer, as a program makes them at its start."""
    model = Dropping()
    return model, torch.optim.AdamW(model.parameters(), lr=rate)


def go_on(model: nn.Module, optimizer: torch.optim.Optimizer, start: int, end: int) -> list[float]:
    """Updates number start, ..., end - 1 of a run of four."""
    losses = []
    for step, (ids, targets) in list(enumerate(batches(STEPS)))[start:end]:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, STEPS, WARMUP, PEAK)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@dataclass(frozen=True)
class Resumed:
    """A saved run continued to its end, and a new one resumed from the save."""

    model: Dropping
    optimizer: torch.optim.AdamW
    step: Any
    went_on: list[float]


def resumed(solution: Any) -> Resumed:
    """Save a run after two updates of four, finish it, and resume from the save."""
    model, optimizer = begin(PEAK)
    go_on(model, optimizer, 0, SAVED)
    state = solution.save_state(model, optimizer, SAVED)
    went_on = go_on(model, optimizer, SAVED, STEPS)
    new_model, new_optimizer = begin(0.7)
    step = solution.load_state(state, new_model, new_optimizer)
    return Resumed(new_model, new_optimizer, step, went_on)


def step(solution: Any) -> Any:
    """What load_state gives back."""
    return resumed(solution).step


def weights(solution: Any) -> Any:
    """Five of the weights."""
    return resumed(solution).model.head.bias.detach()


def moments(solution: Any) -> Any:
    """What AdamW remembers of these five."""
    run = resumed(solution)
    remembered = run.optimizer.state.get(run.model.head.bias) or {}
    return remembered.get("exp_avg", "none")


def updates(solution: Any) -> Any:
    """Count of updates in AdamW's state."""
    run = resumed(solution)
    remembered = run.optimizer.state.get(run.model.head.bias) or {}
    return float(remembered.get("step", 0.0))


def rate(solution: Any) -> Any:
    """The learning rate in the optimizer's settings."""
    return [float(group["lr"]) for group in resumed(solution).optimizer.param_groups]


def random(solution: Any) -> Any:
    """Which random numbers come next."""
    torch.manual_seed(7)
    first = torch.rand(4)
    model, optimizer = begin(PEAK)
    state = solution.save_state(model, optimizer, 0)
    after = torch.rand(4)
    torch.rand(10)
    solution.load_state(state, *begin(PEAK))
    drawn = torch.rand(4)
    if drawn.equal(after):
        return "those that came after the state was saved"
    return "those of the beginning" if drawn.equal(first) else "others"


def mode(solution: Any) -> Any:
    """The mode of a model that was training all the time."""
    return "training" if resumed(solution).model.training else "evaluation"


def same_run(solution: Any) -> Any:
    """Whether the new run goes on as the old one did: all together."""
    run = resumed(solution)
    losses = go_on(run.model, run.optimizer, int(run.step), STEPS)
    return "those of the run that never stopped" if same(losses, run.went_on) else "others"


EXERCISE = exercise_in(
    __file__,
    title="Stop and go on",
    task="""\
A run of days will be interrupted. save_state takes down all that it needs to go on as if it had never stopped: the
weights, the optimizer's state, the state of torch's random numbers (dropout draws from them), and the step. load_state
puts all that back into a model and an optimizer, and gives back the step.

What the state looks like is up to you: only load_state reads it. But it must stay as it is while training goes on,
and a state_dict holds the very tensors that training works on.""",
    symbols={
        "save_state": "nextword.train.plain:save_state",
        "load_state": "nextword.train.plain:load_state",
    },
    hints=(
        "Models and optimizers both have state_dict() and load_state_dict(). torch.get_rng_state() and "
        "torch.set_rng_state() are for the random numbers.",
        "copy.deepcopy(model.state_dict()) is a copy, tensors and all; and so for the optimizer.",
        'load_state: model.load_state_dict(state["model"]), the same for the optimizer, torch.set_rng_state, and '
        'return state["step"].',
    ),
    reference="clones_in_a_dataclass",
    probes=(
        Probe("the step that load_state gives back, saved after 2 updates", step),
        Probe("a bias of 5 numbers, saved after 2 updates of 4, and loaded into a new model", weights),
        Probe("AdamW's first moment of that bias, in the new optimizer", moments),
        Probe("how many updates the new AdamW thinks that it has made", updates),
        Probe("the new optimizer's learning rate", rate),
        Probe("the random numbers that come after loading", random),
        Probe("the mode of the new model, which was training before", mode),
        Probe("the losses of updates 3 and 4 in the new run", same_run),
    ),
)
