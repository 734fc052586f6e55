"""The ranks that compute their share of each step and leave all else to the first one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from nextword.config import GPTConfig
from nextword.data import Windows
from nextword.data.mixture import Mixture
from nextword.errors import FollowedError, TrainingError
from nextword.model import GPT
from nextword.runtime import pick_device
from nextword.train.checkpoint import TrainerState, optimizer_tensors, restore_optimizer
from nextword.train.chosen_optimizer import chosen_optimizer
from nextword.train.compilation import TRIAL_STEPS
from nextword.train.config import TrainConfig
from nextword.train.events import Event, Finished
from nextword.train.heartbeat import heartbeat
from nextword.train.memory import ran_out
from nextword.train.plan import Plan
from nextword.train.ranks import Ranks, lost_connection
from nextword.train.setup import Setup, StepSetup, build_user_model
from nextword.train.steps import Steps
from nextword.user_model import Trainable

if TYPE_CHECKING:
    from nextword.train.sharded_model import Described, ShardedModel

STEP, WEIGHTS, MOMENTS, END = "step", "weights", "moments", "end"
"""What the first rank says comes next, where the model is sharded: a step, or gathering it; alone it knows."""


@dataclass(frozen=True)
class Order:
    """What followers are told before the first step; weights and moments are sent besides.

    windows: of ids in memory these travel along, of shards their paths. moments: what the optimizer remembers, by name.
    """

    config: TrainConfig
    plan: Plan
    windows: Windows | Mixture
    shape: GPTConfig
    dtype: torch.dtype
    state: TrainerState
    moments: "Described"


@contextmanager
def leading(ranks: Ranks) -> Iterator[None]:
    """Let the followers end quietly where the first rank fails before the first step."""
    try:
        yield
    except BaseException as error:
        ranks.tell(getattr(error, "exit_code", 2 if isinstance(error, ValueError) else 1))
        raise


def lead(ranks: Ranks, setup: Setup, optimizer: torch.optim.AdamW, state: TrainerState) -> "ShardedModel | None":
    """Send a run to the followers, as it is before the next step.

    -> this rank's part of the model, where it is sharded.
    """
    if not ranks.several:
        return None
    moments = optimizer_tensors(setup.model, optimizer)
    described = {name: (tensor.shape, tensor.dtype) for name, tensor in moments.items()}
    ranks.tell(Order(setup.config, setup.plan, setup.windows, setup.model.config, setup.dtype, state, described))
    if not setup.config.shard:
        ranks.send([*weights_of(setup.model), *moments.values()])
        return None
    from nextword.train.sharded_model import ShardedModel  # which takes long to import

    sharded = ShardedModel(ranks, setup.config, setup.model.config, setup.plan, setup.device, setup.dtype)
    sharded.scatter(setup.model, moments, described)
    optimizer.state.clear()  # until it is gathered again, to be saved
    return sharded


def weights_of(model: Trainable) -> list[Tensor]:
    """List a model's parameters and buffers."""
    return [tensor.detach() for tensor in model.state_dict().values()]


def received(
    ranks: Ranks, order: Order, device: torch.device
) -> "tuple[Trainable, torch.optim.AdamW, ShardedModel | None]":
    """Build the model and the optimizer that the first rank sends, or this rank's part of them."""
    config = order.config
    if config.shard:
        from nextword.train.sharded_model import ShardedModel

        sharded = ShardedModel(ranks, config, order.shape, order.plan, device, order.dtype)
        sharded.scatter(None, None, order.moments)
        return sharded.model, sharded.optimizer, sharded
    own = config.user_model
    model: Trainable = GPT(order.shape) if own is None else build_user_model(own, order.shape, None, None)
    model.to(device)
    optimizer = chosen_optimizer(model, config, order.plan)
    moments = {name: torch.empty(shape, dtype=dtype) for name, (shape, dtype) in order.moments.items()}
    restore_optimizer(moments, model, optimizer)
    ranks.send([*weights_of(model), *optimizer_tensors(model, optimizer).values()])
    return model, optimizer, None


class FollowingRank:
    """A rank other than the first: it makes the same steps, and writes nothing.

    Raises FollowedError where the first rank has failed to open the run, and says why.
    """

    def __init__(self, ranks: Ranks):
        order: Any = ranks.tell()
        if isinstance(order, int):
            raise FollowedError(order)
        config, device = order.config, pick_device(order.config.device)
        model, optimizer, self._sharded = received(ranks, order, device)
        setup = StepSetup(config, order.plan, order.windows, model, device, order.dtype)
        self._ranks, self._plan, self._state = ranks, order.plan, order.state
        self._steps = Steps(setup, optimizer, order.state, ranks, self._sharded)
        self._out = Path(config.out or ".")

    def stop(self) -> None:
        """Ask all ranks to end, with a checkpoint. Safe in a signal handler."""
        self._steps.stop()

    def run(self) -> Iterator[Event]:
        """Train as long as the first rank does."""
        try:
            with heartbeat(self._ranks, self._steps):
                yield from self._run()
        except TrainingError as error:  # it is the same on all ranks
            raise FollowedError(error.exit_code) from error
        except (RuntimeError, MemoryError) as error:
            if lost_connection(error):
                raise FollowedError(1) from error
            if not ran_out(error):
                raise
            raise TrainingError(f"Rank {self._ranks.rank} of {self._ranks.count} ran out of memory.") from error

    def _run(self) -> Iterator[Event]:
        steps, first = self._steps, self._state.step
        if self._sharded is not None:
            yield from self._obey(self._sharded)
        if self._state.compiled_from is not None and steps.go_on:
            steps.compile()
        while steps.go_on:
            if self._state.step == first + TRIAL_STEPS and steps.saved_by_compiling() > 0:
                yield from self._read(all_but=0)
                steps.compile()
            steps.launch()
            yield from self._read(steps.not_yet_due)
        yield from self._read(all_but=0)
        yield Finished(self._state.step, self._state.step == self._plan.steps, self._out, None)

    def _obey(self, sharded: "ShardedModel") -> Iterator[Event]:
        """Do what the first rank says, until it says END."""
        while True:
            self._steps.wait_for_orders()
            order = self._ranks.tell()
            if order == END:
                return
            if order == STEP:
                self._steps.launch()
                yield from self._read(all_but=0)
            else:
                sharded.gather(None, None, with_moments=order == MOMENTS)

    def _read(self, all_but: int) -> Iterator[Event]:
        while self._steps.unread > all_but:
            yield self._steps.read()
