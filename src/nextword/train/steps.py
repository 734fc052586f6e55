"""A run's steps: each update is launched first, and its numbers are read when they are there."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from nextword.data import batch
from nextword.errors import TrainingError
from nextword.model import GPT
from nextword.runtime import matmuls_in, random_state, set_random_state
from nextword.train.checkpoint import TrainerState
from nextword.train.compilation import TRIAL_STEPS, seconds_saved
from nextword.train.events import Stepped
from nextword.train.health import not_finite
from nextword.train.loss_scale import LossScale
from nextword.train.low_precision import LowPrecisionCopy
from nextword.train.prolongation import rate
from nextword.train.setup import Setup
from nextword.train.update import make_update


@dataclass(frozen=True)
class LaunchedStep:
    """A step on its way: a GPU may still be at work on its numbers."""

    step: int
    lr: float
    loss: Tensor
    grad_norm: Tensor
    began: float
    random: dict[str, Tensor]


class Steps:
    """Makes a run's steps, and counts them in its trainer state.

    `launch` asks for the next one; `read` gives the numbers of the oldest one that was not read yet. A GPU works on
    while these are looked at. From some step on the loss may be computed by compiled code: see `compile`.
    """

    def __init__(self, setup: Setup, optimizer: torch.optim.AdamW, state: TrainerState):
        self._setup, self._state = setup, state
        self._working = LowPrecisionCopy(setup.model, setup.dtype)
        if setup.dtype == torch.float16 and state.loss_scale is None:
            state.loss_scale = LossScale()
        self._move = make_update(self._working, optimizer, setup.config.clip, state.loss_scale)
        self._launched: deque[LaunchedStep] = deque()
        self._read_at = -math.inf
        self._seconds: deque[float] = deque(maxlen=TRIAL_STEPS)  # that the last ones took
        self._compiled: Callable[[Tensor, Tensor], Tensor] | None = None
        self._asked_to_compile = self._untried = False

    @property
    def unread(self) -> int:
        """The number of steps that were launched and not read."""
        return len(self._launched)

    @property
    def waits(self) -> bool:
        """Whether `launch` returns with the step made, so that reading it later gains nothing."""
        return self._move.waits

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
        grad_norm = self._move(loss, lr)
        self._state.step += 1
        self._launched.append(LaunchedStep(self._state.step, lr, loss, grad_norm, began, random))
        return None if fault is None else f"The model could not be compiled; training goes on without that ({fault})."

    def read(self) -> Stepped:
        """Wait for the oldest step that was launched, and read its numbers.

        Raises TrainingError where they are not finite; then neither it nor those launched after it moved anything.
        """
        setup, made = self._setup, self._launched.popleft()
        loss, grad_norm = made.loss.item(), made.grad_norm.item()
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
            raise TrainingError(again)
        if self._state.start_loss is None:
            self._state.start_loss = loss
        tokens = setup.plan.tokens_per_step
        speed = tokens / (now - since)
        return Stepped(made.step, made.step * tokens, loss, made.lr, grad_norm, speed, math.nan, skipped)

    def saved_by_compiling(self) -> float:
        """Estimate the seconds that compiling now would save; at most 0 for a loss."""
        if self._asked_to_compile or not self._seconds or not isinstance(self._setup.model, GPT):
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
        """Accumulate the gradient of the mean loss over the next step's batches; return that loss."""
        setup, plan, working, scale = self._setup, self._setup.plan, self._working, self._state.loss_scale
        working.model.train()
        compute_loss = self._compiled or self._compute_loss
        losses = []
        for micro_step in range(plan.accumulate):
            index = self._state.step * plan.accumulate + micro_step
            x, y = batch(setup.windows, plan.batch_size, setup.config.seed, index)  # (B, T) each
            loss = compute_loss(self._to_device(x), self._to_device(y)) / plan.accumulate
            (loss if scale is None else loss * scale.value).backward()
            if plan.accumulate > 1:
                working.gather()
            losses.append(loss.detach())
        return torch.stack(losses).sum()

    def _compute_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Compute the model's loss on a batch: x and y (B, T) -> ()."""
        with matmuls_in(self._setup.dtype, self._setup.device):
            return self._working.model.loss(x, y)

    def _to_device(self, ids: Tensor) -> Tensor:
        """Move a batch to the device, without waiting where it is a GPU."""
        if self._setup.device.type == "cuda":
            return ids.pin_memory().to(self._setup.device, non_blocking=True)
        return ids.to(self._setup.device)
