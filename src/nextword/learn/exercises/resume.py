"""Resume: a run that stops and goes on as if it had never stopped."""

import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nextword.learn.checker.comparing import same
from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.bigram import Bigram, batches
from nextword.train.plain import learning_rate

MISTAKES = (
    Mistake(
        name="weights-missing",
        equals="a resume that does not bring back the weights",
        remedy='Keep model.state_dict(), copied, and call model.load_state_dict(state["model"]).',
        why="Assigning to the name `model` inside a function only changes what that name means there; the caller's "
        "model stays as it is. load_state_dict writes into it.",
    ),
    Mistake(
        name="optimizer-missing",
        equals="a resume without the optimizer's state: AdamW begins anew",
        remedy='Keep optimizer.state_dict() too, copied, and call optimizer.load_state_dict(state["optimizer"]).',
        why="AdamW remembers two moments of every weight. Without them its first steps go by a single gradient each, "
        "at the full learning rate and without a warm-up: the loss jumps up.",
    ),
    Mistake(
        name="moments-missing",
        equals="a resume that brings back the optimizer's settings, but not its moments",
        remedy='Keep all of optimizer.state_dict(): its "state" as well as its "param_groups".',
        why="The settings are in the code already. The moments are what was learned about the gradients.",
    ),
    Mistake(
        name="rate-missing",
        equals="a resume that brings back the moments, but not the learning rate",
        remedy="Let optimizer.load_state_dict put the settings back as well, and leave them as they are then.",
        why="A loop that sets the learning rate before each update hides it. One that does not goes on at the rate "
        "that the new optimizer was made with.",
    ),
    Mistake(
        name="step-missing",
        equals="a resume that begins to count at 0 again",
        remedy="Keep step in the state, and give it back from load_state.",
        why="The learning rate's curve begins anew, with a warm-up in the middle of the run, and so do the batches: "
        "what was read at the beginning is read again.",
    ),
    Mistake(
        name="step-late",
        equals="a resume that leaves out a step: it gives back step + 1",
        remedy="Give back step as it was saved: that many updates were made, and the next one has that very number, "
        "since steps are counted from 0.",
        why="Where the last step's number is saved, the next one is one more. Here the number of updates is saved.",
    ),
    Mistake(
        name="step-not-returned",
        equals="a resume that does not give back the step",
        remedy='End load_state with return state["step"].',
        why="The training loop has to know where to go on; a function without return gives back None.",
    ),
    Mistake(
        name="random-missing",
        equals="a resume without the state of the random numbers",
        remedy="Keep torch.get_rng_state(), and put it back with torch.set_rng_state.",
        why="Dropout draws other numbers than it would have drawn. The run is no worse, but it is another one: what "
        "went wrong at step 10,000 cannot be looked at again.",
    ),
    Mistake(
        name="random-reseeded",
        equals="a resume that seeds the random numbers anew",
        remedy="Keep torch.get_rng_state() instead of the seed, and put it back with torch.set_rng_state.",
        why="The seed says where the numbers began, not where they are now. After it, dropout drops what it dropped at "
        "the beginning of the run.",
    ),
    Mistake(
        name="not-copied",
        equals="a state that is not copied: it goes on changing while training goes on",
        remedy="Copy both: copy.deepcopy(model.state_dict()) and copy.deepcopy(optimizer.state_dict()).",
        why="A state_dict holds the very tensors that training works on, and dict() or .copy() copy the dictionary "
        "only. A file would be a copy by itself; in memory, all states are the last one.",
    ),
    Mistake(
        name="weights-not-copied",
        equals="a state whose weights are not copied: they go on changing while training goes on",
        remedy="Copy the weights: copy.deepcopy(model.state_dict()).",
        why="A state_dict holds the model's own tensors, and dict() or .copy() copy the dictionary only.",
    ),
    Mistake(
        name="moments-not-copied",
        equals="a state whose moments are not copied: they go on changing while training goes on",
        remedy="Copy the optimizer's state too: copy.deepcopy(optimizer.state_dict()).",
        why="optimizer.state_dict() is a dictionary of dictionaries that hold AdamW's own tensors: old weights would "
        "go on with new moments.",
    ),
    Mistake(
        name="left-in-eval",
        equals="a resume that leaves the model in evaluation mode",
        remedy="Leave model.eval() away: loading needs no mode.",
        why="Instructions on loading a model often end with model.eval(), since they load it in order to use it. "
        "Training would go on without dropout.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Both functions, with these mistakes."""

    def save_state(model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> dict[str, Any]:
        weights, moments = model.state_dict(), optimizer.state_dict()
        return {
            "model": weights if on & {"not-copied", "weights-not-copied"} else copy.deepcopy(weights),
            "optimizer": moments if on & {"not-copied", "moments-not-copied"} else copy.deepcopy(moments),
            "random": torch.get_rng_state(),
            "seed": torch.initial_seed(),
            "step": 0 if "step-missing" in on else step + 1 if "step-late" in on else step,
        }

    def load_state(state: dict[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer) -> Any:
        if "weights-missing" not in on:
            model.load_state_dict(state["model"])
        if "optimizer-missing" not in on:
            rates = [group["lr"] for group in optimizer.param_groups]
            kept = copy.deepcopy(state["optimizer"])
            optimizer.load_state_dict(kept | {"state": {}} if "moments-missing" in on else kept)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate if "rate-missing" in on else group["lr"]
        if "random-reseeded" in on:
            torch.manual_seed(state["seed"])
        elif "random-missing" not in on:
            torch.set_rng_state(state["random"])
        if "left-in-eval" in on:
            model.eval()
        return None if "step-not-returned" in on else state["step"]

    return SimpleNamespace(save_state=save_state, load_state=load_state)


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
    """A run that was saved and went on, and a new one that took up what was saved."""

    model: Dropping
    optimizer: torch.optim.AdamW
    step: Any
    went_on: list[float]


def resumed(solution: Any) -> Resumed:
    """Save a run after two updates of four, let it go on, and load what was saved, as a new program would."""
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
    """How many updates AdamW thinks that it has made."""
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


EXERCISE = Exercise(
    name="resume",
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
    stub='''
import copy
from typing import Any

import torch
from torch import nn


def save_state(model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> dict[str, Any]:
    """@save_state"""
    ...


def load_state(state: dict[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """@load_state"""
    ...
''',
    hints=(
        "Models and optimizers both have state_dict() and load_state_dict(). torch.get_rng_state() and "
        "torch.set_rng_state() are for the random numbers.",
        "copy.deepcopy(model.state_dict()) is a copy, tensors and all; and so for the optimizer.",
        'load_state: model.load_state_dict(state["model"]), the same for the optimizer, torch.set_rng_state, and '
        'return state["step"].',
    ),
    mistakes=MISTAKES,
    reference=reference,
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
