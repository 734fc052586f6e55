"""A sharded model: each rank keeps a part of every parameter, and blocks are whole only in turn.

So weights, gradients and moments take each rank's memory only once in as many parts as there are ranks. PyTorch's
`fully_shard` (FSDP2) does it, from outside: the model knows nothing of it.

Source: Zhao et al., "PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel" (2023).
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from nextword.config import GPTConfig
from nextword.train.chosen_optimizer import chosen_optimizer
from nextword.train.config import TrainConfig
from nextword.train.data_parallel import ComputeLoss, LossModule
from nextword.train.low_precision import recompute_blocks
from nextword.train.plan import Plan
from nextword.train.ranks import Ranks
from nextword.user_model import Trainable
from nextword.weights.assemble import without_numbers

Described = dict[str, tuple[torch.Size, torch.dtype]]
"""Shapes and formats of an optimizer's tensors, by name."""


class ShardedModel:
    """A rank's part of the model and of the optimizer.

    The matrices and biases of a block are gathered in `dtype` before it computes, and freed after. Embeddings and
    LayerNorms are gathered once a step, in float32; the tied head uses the embedding that is there already. Gradients
    are added up in float32 and divided among the ranks, each of which updates its own float32 part.
    """

    def __init__(
        self, ranks: Ranks, config: TrainConfig, shape: GPTConfig, plan: Plan, device: torch.device, dtype: torch.dtype
    ):
        self._ranks, self._device = ranks, device
        self.model = without_numbers(shape)
        mesh = init_device_mesh(device.type, (ranks.count,))
        wide = MixedPrecisionPolicy(reduce_dtype=torch.float32, cast_forward_inputs=False)
        in_dtype = MixedPrecisionPolicy(
            param_dtype=None if dtype == torch.float32 else dtype, reduce_dtype=torch.float32, cast_forward_inputs=False
        )
        if config.recompute:
            recompute_blocks(self.model)
        for layer in range(shape.n_layer):
            block = self.model.block(layer)
            fully_shard([block.attn, block.mlp], mesh=mesh, mp_policy=in_dtype)
        self._module = LossModule(self.model, self._compute)
        fully_shard(self._module, mesh=mesh, mp_policy=wide)
        self._module.to_empty(device=device)
        self.optimizer = chosen_optimizer(self.model, config, plan)

    def computing(self, compute: ComputeLoss) -> "ShardedModel":
        """Say how the loss is computed with `model`."""
        self._compute_loss = compute
        return self

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Compute the loss of this rank's windows, to be followed by the backward pass: x and y (B, T) -> ()."""
        loss: Tensor = self._module(x, y)
        return loss

    def waiting(self, more: bool) -> AbstractContextManager[object]:
        """Reduce gradients in each backward pass: whole ones would take the memory that is to be spared."""
        return nullcontext()

    def _compute(self, x: Tensor, y: Tensor) -> Tensor:
        return self._compute_loss(x, y)

    @torch.no_grad()
    def scatter(self, whole: Trainable | None, moments: dict[str, Tensor] | None, described: Described) -> None:
        """Give each rank its part of the first one's weights and moments; the others give None."""
        given = dict(whole.named_parameters()) if whole is not None else {}
        for name, parameter in self.model.named_parameters():
            full = self._given(given.get(name), parameter.shape, parameter.dtype)
            parameter.copy_(self._divide(full, parameter))
        parameters = dict(self.model.named_parameters())
        for key, (size, dtype) in described.items():
            kind, _, name = key.partition(".")
            full = self._given((moments or {}).get(key), size, dtype)
            like = parameters[name]
            if size == like.shape:
                self.optimizer.state[like][kind] = self._divide(full, like)
            else:
                self._ranks.send([full])
                self.optimizer.state[like][kind] = full

    @torch.no_grad()
    def gather(self, whole: Trainable | None, optimizer: torch.optim.Optimizer | None, with_moments: bool) -> None:
        """Copy the weights, and with them the moments if asked for, into the first rank's whole model.

        The others take part, and give None for both.
        """
        targets = dict(whole.named_parameters()) if whole is not None else {}
        for name, parameter in self.model.named_parameters():
            full = in_full(parameter)
            if whole is not None:
                targets[name].copy_(full)
            for kind, value in self.optimizer.state[parameter].items() if with_moments else ():
                full = in_full(value)
                if optimizer is not None:
                    optimizer.state[targets[name]][kind] = full.to("cpu", copy=True)

    def _given(self, full: Tensor | None, size: torch.Size, dtype: torch.dtype) -> Tensor:
        """Return the first rank's tensor on the device, and elsewhere room for it."""
        if full is None:
            return torch.empty(size, dtype=dtype, device=self._device)
        return full.detach().to(self._device)

    def _divide(self, full: Tensor, like: Tensor) -> Tensor:
        """Take this rank's part of the first one's tensor, as another is divided."""
        assert isinstance(like, DTensor)
        return distribute_tensor(full, like.device_mesh, like.placements)


def in_full(tensor: Tensor) -> Tensor:
    """Gather a tensor from all ranks; one that is not divided is given back."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
