"""An update of the weights: gradient norm, clipping, the optimizer, and fresh low-precision copies."""

import math

import torch
from torch import Tensor

from nextword.native import training as native
from nextword.train.loss_scale import LossScale
from nextword.train.low_precision import LowPrecisionCopy
from nextword.train.matrix_optimizers.matrix_optimizer import MatrixOptimizer
from nextword.train.optimizer import set_learning_rate


def make_update(
    working: LowPrecisionCopy, optimizer: torch.optim.AdamW, clip: float, scale: LossScale | None = None
) -> "Update":
    """Choose the fastest update for these weights, with a loss scale where products are in float16.

    All of AdamW's leave its state in the optimizer, and the same numbers.
    """
    if scale is not None:
        return ScaledUpdate(working, optimizer, clip, scale)
    if isinstance(optimizer, MatrixOptimizer) or is_divided(working.masters[0]):
        return PlainUpdate(working, optimizer, clip)
    if native.can_take(working.masters) and native.can_take(working.weights):
        return NativeUpdate(working, optimizer, clip)
    if working.masters[0].device.type == "mps":
        return PlainUpdate(working, optimizer, clip)
    return TorchUpdate(working, optimizer, clip)


class NativeUpdate:
    """An update by our own kernels on a CPU, in two passes over the gradients."""

    waits = True
    """Whether the numbers are there when a call returns."""

    def __init__(self, working: LowPrecisionCopy, optimizer: torch.optim.AdamW, clip: float):
        self._working, self._optimizer, self._clip = working, optimizer, clip
        decay = {p: group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
        self._decay = [decay[master] for master in working.masters]

    def __call__(self, loss: Tensor, lr: float) -> Tensor:
        """Update the weights by their gradients and clear these; return the gradients' norm.

        loss (): where it or the length is not finite, nothing is moved or cleared.
        """
        working, group = self._working, self._optimizer.param_groups[0]
        gradients = [gradient.contiguous() for gradient in working.gradients()]
        norm = math.sqrt(native.squared_sum(gradients))
        if not math.isfinite(norm + loss.item()):
            return torch.tensor(norm)
        set_learning_rate(self._optimizer, lr)
        states = [self._state(master) for master in working.masters]
        steps = [state["step"] for state in states]
        torch._foreach_add_(steps, 1)
        native.adamw(
            [master.detach() for master in working.masters],
            working.copies(),
            gradients,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            self._decay,
            native.Settings(
                scale=min(1.0, self._clip / (norm + 1e-6)),
                lr=lr,
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                eps=group["eps"],
                step=int(steps[0]),
            ),
        )
        working.clear_gradients()
        return torch.tensor(norm)

    def _state(self, master: Tensor) -> dict[str, Tensor]:
        """Return AdamW's state of a parameter, zeros at first."""
        state: dict[str, Tensor] = self._optimizer.state[master]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(master), torch.zeros_like(master)
        return state


class TorchUpdate:
    """An update by PyTorch's kernels on any device, without ever waiting for the device.

    Once the loss or the gradient's length was not finite, no further update
    moves anything: whoever reads these numbers late finds the weights as they
    were before that step.
    """

    def __init__(self, working: LowPrecisionCopy, optimizer: torch.optim.AdamW, clip: float):
        self._working, self._optimizer, self._clip = working, optimizer, clip
        self.waits = working.masters[0].device.type != "cuda"
        self._failed = torch.zeros((), device=working.masters[0].device)

    def __call__(self, loss: Tensor, lr: float) -> Tensor:
        """See `NativeUpdate.__call__`; loss and result are on the device."""
        working, optimizer = self._working, self._optimizer
        working.gather()
        norm = torch.nn.utils.get_total_norm(working.gradients())
        self._failed = torch.maximum(self._failed, 1.0 - torch.isfinite(norm + loss).float())
        # AdamW's fused kernel divides the gradients by the one, and does nothing where the other is 1.
        optimizer.grad_scale = ((norm + 1e-6) / self._clip).clamp(min=1.0)  # type: ignore[attr-defined]
        optimizer.found_inf = self._failed  # type: ignore[attr-defined]
        set_learning_rate(optimizer, lr)
        optimizer.step()
        working.refresh()
        working.clear_gradients()
        return norm


class PlainUpdate:
    """An update by the optimizer's own step: Apple's AdamW and those for matrices neither clip nor skip."""

    waits = True

    def __init__(self, working: LowPrecisionCopy, optimizer: torch.optim.AdamW, clip: float):
        self._working, self._optimizer, self._clip = working, optimizer, clip

    def __call__(self, loss: Tensor, lr: float) -> Tensor:
        """See `NativeUpdate.__call__`; loss and result are on the device."""
        working = self._working
        working.gather()
        gradients = working.gradients()
        norm = total_norm(gradients)
        length = norm.item()
        if not math.isfinite(length + loss.item()):
            return norm
        torch._foreach_mul_(gradients, min(1.0, self._clip / (length + 1e-6)))
        set_learning_rate(self._optimizer, lr)
        self._optimizer.step()
        working.refresh()
        working.clear_gradients()
        return norm


class ScaledUpdate:
    """An update by gradients of a scaled loss, skipped where one of them overflowed float16."""

    waits = True

    def __init__(self, working: LowPrecisionCopy, optimizer: torch.optim.AdamW, clip: float, scale: LossScale):
        self._working, self._optimizer, self._clip, self._scale = working, optimizer, clip, scale

    def __call__(self, loss: Tensor, lr: float) -> Tensor:
        """See `NativeUpdate.__call__`. The norm is that of the gradients divided by the scale.

        loss (): not scaled. Where it is finite and the norm is not, the step is
        skipped, gradients are cleared, and the norm is NaN; once the scale is spent, it is infinite.
        """
        working, scale = self._working, self._scale
        working.gather()
        gradients = working.gradients()
        torch._foreach_mul_(gradients, 1.0 / scale.value)
        norm = total_norm(gradients)
        length = norm.item()
        if not math.isfinite(loss.item()):
            return norm
        scale.update(overflowed=not math.isfinite(length))
        if not math.isfinite(length):
            working.clear_gradients()
            return torch.tensor(math.inf if scale.is_spent else math.nan)
        torch._foreach_mul_(gradients, min(1.0, self._clip / (length + 1e-6)))
        set_learning_rate(self._optimizer, lr)
        self._optimizer.step()
        working.refresh()
        working.clear_gradients()
        return norm


def total_norm(gradients: list[Tensor]) -> Tensor:
    """Compute the length of all gradients together, of all ranks' parts where they are divided."""
    norm = torch.nn.utils.get_total_norm(gradients)
    return norm.full_tensor() if is_divided(norm) else norm  # type: ignore[attr-defined]


def is_divided(tensor: Tensor) -> bool:
    """Whether each rank has a part of a tensor: a DTensor, whose class takes long to import."""
    return hasattr(tensor, "full_tensor")


Update = NativeUpdate | TorchUpdate | PlainUpdate | ScaledUpdate
