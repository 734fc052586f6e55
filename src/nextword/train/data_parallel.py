"""Data parallelism: each rank computes the gradient of its own windows, and the sum is everyone's.

PyTorch's DistributedDataParallel adds the gradients up while the backward pass is still at work. The model knows
nothing of it.

Source: Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training" (2020).
"""

import hashlib
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from nextword.train.low_precision import LowPrecisionCopy

ComputeLoss = Callable[[Tensor, Tensor], Tensor]


class LossModule(nn.Module):
    """A model with a forward pass that ends with the loss, as DDP wants it."""

    def __init__(self, model: nn.Module, compute: ComputeLoss):
        super().__init__()
        self.model = model
        self._compute = compute

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x and y (B, T) -> ()."""
        return self._compute(x, y)


class ReducedLoss:
    """A loss whose gradient is averaged over all ranks: x and y (B, T) -> ()."""

    def __init__(self, working: LowPrecisionCopy, compute: ComputeLoss):
        self._working = working
        # Buffers (a mask, say) are the same on all ranks. Older PyTorchs know the flag by its former name.
        names = inspect.signature(DistributedDataParallel.__init__).parameters
        flag: dict[str, Any] = {
            "forward_sync_buffers" if "forward_sync_buffers" in names else "broadcast_buffers": False
        }
        self._ddp = DistributedDataParallel(LossModule(working.model, compute), **flag)

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Compute it, to be followed by the backward pass."""
        loss: Tensor = self._ddp(x, y)
        return loss

    def waiting(self, more: bool) -> AbstractContextManager[object]:
        """Let the gradient add up on this rank alone, where more of the same step is to come.

        Gradients of copies in low precision are gathered after each backward pass, so they are averaged each time.
        """
        has_copies = any(copy is not None for copy in self._working.copies())
        return self._ddp.no_sync() if more and not has_copies else nullcontext()


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed a rank's dropout for one step, so that nothing needs to be remembered of it."""
    digest = hashlib.sha256(f"seed {seed} step {step} rank {rank}".encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:8], "big") >> 1)
