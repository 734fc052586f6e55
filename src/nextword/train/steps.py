"""A run's steps: each update is launched first, and its numbers are read when they are there.

Of several ranks, each computes the gradient of its share of the windows, and all make the same update.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nextword.data import batch_of
from nextword.errors import TrainingError
from nextword.model import GPT
from nextword.runtime import matmuls_in, random_state, set_random_state
from nextword.train.checkpoint import TrainerState
from nextword.train.compilation import COMPILE_SECONDS, TRIAL_STEPS, seconds_saved
from nextword.train.data_parallel import ReducedLoss, seed_step
from nextword.train.events import Stepped
from nextword.train.health import not_finite
from nextword.train.loss_scale import LossScale
from nextword.train.low_precision import LowPrecisionCopy
from nextword.train.prolongation import rate
from nextword.train.ranks import ALONE, Ranks
from nextword.train.setup import StepSetup
from nextword.train.update import make_update

if TYPE_CHECKING:
    from nextword.train.sharded_model import ShardedModel


@dataclass(frozen=True)
class LaunchedStep:
    """A step on its way: a GPU may still be at work on its numbers.

    told (ranks, 2): of each rank, its part of the loss, and whether it was asked to stop.
    """

    step: int
    lr: float
    told: Tensor
    grad_norm: Tensor
    began: float
    random: dict[str, Tensor]


class Steps:
    """Makes a run's steps, and counts them in its trainer state.

    `launch` asks for the next one; `read` gives the numbers of the oldest one that was not read yet. A GPU works on
    while these are looked at. From some step on the loss may be computed by compiled code: see `compile`.
    """

    def __init__(
        self,
        setup: StepSetup,
        optimizer: torch.optim.AdamW,
        state: TrainerState,
        ranks: Ranks = ALONE,
        sharded: "ShardedModel | None" = None,
    ):
        self._setup, self._state, self._ranks, self._sharded = setup, state, ranks, sharded
        if sharded is None:
            self._working = LowPrecisionCopy(setup.model, setup.dtype, setup.config.recompute)
        else:
            self._working = LowPrecisionCopy(sharded.model, torch.float32)  # it makes its own copies, a block at a time
        if setup.dtype == torch.float16 and state.loss_scale is None:
            state.loss_scale = LossScale()
        self._move = make_update(self._working, optimizer, setup.config.clip, state.loss_scale)
        self._launched: deque[LaunchedStep] = deque()
        self._read_at = -math.inf
        self._seconds: deque[float] = deque(maxlen=TRIAL_STEPS)  # that the last ones took
        self._compiled: Callable[[Tensor, Tensor], Tensor] | None = None
        self._asked_to_compile = self._untried = False
        self._reduced: ReducedLoss | ShardedModel | None = None
        if sharded is not None:
            self._reduced = sharded.computing(self._own_loss)
        elif ranks.several:
            self._reduced = ReducedLoss(self._working, self._own_loss)
        self._asked_to_stop, self._last_step = False, setup.plan.steps
        self._stage = 0  # of a step that is being launched: see `place`

    @property
    def place(self) -> tuple[int, int]:
        """The steps made, and the stage of the one that is being made.

        It is 0 between steps; in an even one this rank may wait for the others.
        """
        return self._state.step, self._stage

    @property
    def longest(self) -> float:
        """The seconds of the longest of the last steps; before the first, what compiling may take."""
        return max(self._seconds, default=COMPILE_SECONDS)

    def wait_for_orders(self) -> None:
        """Say that this rank waits for the first one's order, between steps."""
        self._stage = 2

    def stop(self) -> None:
        """Ask all ranks to end after the same step. Safe in a signal handler."""
        self._asked_to_stop = True

    @property
    def go_on(self) -> bool:
        """Whether there is another step to launch. A run that has made no step yet makes one."""
        stops_now = self._asked_to_stop and not self._ranks.several and self._state.step > 0
        return self._state.step < self._last_step and not stops_now

    @property
    def unread(self) -> int:
        """The number of steps that were launched and not read."""
        return len(self._launched)

    @property
    def not_yet_due(self) -> int:
        """How many of the launched steps may be read later: a GPU is never waited for without need.

        None, where `launch` returns with the step made, or where the last one is to be validated or sampled after.
        """
        plan, step = self._setup.plan, self._state.step
        is_due = step == plan.steps or step % plan.eval_every == 0 or step % plan.sample_every == 0
        return 0 if self._move.waits or is_due else 1

    def launch(self) -> str | None:
        """Launch one step: forward and backward through its micro-batches, clip, and update by AdamW.

        -> what to warn of: that the compiled code, tried for the first time, failed and was given up.
        """
        setup = self._setup
        began, random = time.perf_counter(), random_state(setup.device)
        lr = rate(setup.plan, self._state.step)
        fault = None
        try:
            loss = self._backward()
        except Exception as error:  # a compiler's failures are of many kinds
            if not self._untried:
                raise
            fault = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        if fault is not None:
            self._give_up_compiled(random)
            loss = self._backward()
        self._untried = False
        stops = torch.full_like(loss, float(self._asked_to_stop))  # without waiting for a GPU
        told = self._ranks.gather(torch.stack([loss, stops]))
        grad_norm = self._move(told[:, 0].sum(), lr)
        self._state.step += 1
        self._stage = 0
        self._launched.append(LaunchedStep(self._state.step, lr, told, grad_norm, began, random))
        return None if fault is None else f"The model could not be compiled; training goes on without that ({fault})."

    def read(self) -> Stepped:
        """Wait for the oldest step that was launched, and read its numbers.

        Raises TrainingError where they are not finite; then neither it nor those launched after it moved anything.
        """
        setup, made = self._setup, self._launched.popleft()
        losses, stops = made.told.T.tolist()
        loss, grad_norm = math.fsum(losses), made.grad_norm.item()
        now, since = time.perf_counter(), max(made.began, self._read_at)
        self._read_at = now
        self._seconds.append(now - since)
        skipped = self._state.loss_scale is not None and math.isfinite(loss) and math.isnan(grad_norm)
        if not (math.isfinite(loss) and math.isfinite(grad_norm)) and not skipped:
            self._launched.clear()
            self._state.step = made.step - 1
            self._compiled = None  # it could not be watched
            set_random_state(made.random, setup.device)
            again = not_finite(self._working, made.step, loss, grad_norm, rerun=lambda: self._backward().item())
            raise TrainingError(self._ranks.said_by(blamed(losses), again))
        if any(stops):  # some ranks may have launched the next step already
            self._last_step = min(self._last_step, made.step + 1)
        if self._state.start_loss is None:
            self._state.start_loss = loss
        tokens = setup.plan.tokens_per_step
        speed = tokens / (now - since)
        return Stepped(made.step, made.step * tokens, loss, made.lr, grad_norm, speed, math.nan, skipped)

    def saved_by_compiling(self) -> float:
        """Estimate the seconds that compiling now would save; at most 0 for a loss."""
        if self._asked_to_compile or not self._seconds or not isinstance(self._setup.model, GPT) or self._sharded:
            return 0.0
        left = self._setup.plan.steps - self._state.step
        return seconds_saved(self._setup.device, median(self._seconds), left)

    def compile(self) -> None:
        """Compute with compiled code from the next step on. All launched ones must have been read."""
        self._compiled = torch.compile(self._compute_loss, fullgraph=True, dynamic=False)
        self._asked_to_compile = self._untried = True
        if self._state.compiled_from is None:
            self._state.compiled_from = self._state.step

    def _give_up_compiled(self, random: dict[str, Tensor]) -> None:
        """Go back to the beginning of the step, as if it had never been compiled."""
        self._compiled = self._state.compiled_from = None
        self._working.clear_gradients()
        set_random_state(random, self._setup.device)

    def _backward(self) -> Tensor:
        """Accumulate the gradient of the loss over the next step's windows; return this rank's part.

        Of several ranks, each has the gradient of all windows when this returns.
        """
        setup, working, scale, ranks = self._setup, self._working, self._state.loss_scale, self._ranks
        working.model.train()
        if ranks.several:
            seed_step(setup.config.seed, self._state.step, ranks.rank)
        most, whole = setup.plan.batch_size, setup.plan.batch_size * setup.plan.accumulate  # windows
        first, own = self._state.step * whole, ranks.share(whole)
        losses = []
        for start in range(own.start, own.stop, most):
            stop = min(start + most, own.stop)
            self._stage += 1
            x, y = batch_of(setup.windows, range(first + start, first + stop), setup.config.seed)  # (B, T) each
            with self._reducing(more=stop < own.stop):
                loss = self._loss(self._to_device(x), self._to_device(y)) / (whole / len(x))
                self._stage += 1
                factor = ranks.count * (1.0 if scale is None else scale.value)  # DDP averages, and parts add up
                (loss if factor == 1 else loss * factor).backward()
            if len(own) > most:
                working.gather()
            losses.append(loss.detach())
        return torch.stack(losses).sum()

    def _reducing(self, more: bool) -> AbstractContextManager[object]:
        """Add up the ranks' gradients in a backward pass, unless more of the same step is to come."""
        return nullcontext() if self._reduced is None else self._reduced.waiting(more)

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Compute the loss on a batch, so that its gradient is reduced where there are several ranks."""
        return (self._reduced or self._own_loss)(x, y)

    def _own_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Compute the loss on a batch, by compiled code once there is some."""
        return (self._compiled or self._compute_loss)(x, y)

    def _compute_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Compute the model's loss on a batch: x and y (B, T) -> ()."""
        with matmuls_in(self._setup.dtype, self._setup.device):
            return self._working.model.loss(x, y)

    def _to_device(self, ids: Tensor) -> Tensor:
        """Move a batch to the device, without waiting where it is a GPU."""
        if self._setup.device.type == "cuda":
            return ids.pin_memory().to(self._setup.device, non_blocking=True)
        return ids.to(self._setup.device)


def blamed(losses: list[float]) -> int:
    """Find the first rank whose loss is not finite, or else the first of all."""
    return next((rank for rank, loss in enumerate(losses) if not math.isfinite(loss)), 0)
