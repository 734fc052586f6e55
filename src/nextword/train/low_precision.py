"""Mixed precision: float32 master weights, and a model to compute with in low precision."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from nextword.errors import TrainingError
from nextword.model import GPT
from nextword.user_model import Trainable
from nextword.weights.assemble import without_numbers


class LowPrecisionCopy:
    """A run's weights for forward and backward, beside the float32 master weights.

    With dtype bfloat16 or float16 the blocks' matrices are copies in it, refreshed
    after every update; so no forward pass has to convert them, and their gradients
    are half as large. Everything else (embeddings, biases, LayerNorms) is
    shared, and the residual stream stays in float32. With float32, `model` is
    the run's own model and nothing is copied; so it is for a user model, whose
    products may be in dtype, but not its matrices. recompute: see `recompute_blocks`.

    `masters` and `weights` are lists of equal length and order: a parameter of
    the run, and what stands for it here (itself where it is shared).

    Source: Micikevicius et al., "Mixed Precision Training" (2018), section 3.1.
    """

    def __init__(self, model: Trainable, dtype: torch.dtype, recompute: bool = False):
        self.model: Trainable = model
        if isinstance(model, GPT) and (dtype != torch.float32 or recompute):
            self.model = with_matrices_in(dtype, model)
        if isinstance(self.model, GPT) and recompute:
            recompute_blocks(self.model)
        frozen = {id(p) for p in model.parameters() if not (p.requires_grad or isinstance(model, GPT))}
        learning = [(name, parameter) for name, parameter in model.named_parameters() if id(parameter) not in frozen]
        self.masters = [parameter for _, parameter in learning]
        self.weights = [parameter for parameter in self.model.parameters() if id(parameter) not in frozen]
        self._names = [name for name, _ in learning]

    def gather(self) -> None:
        """Add the copies' gradients to their masters', in float32, and clear them."""
        for master, weight in zip(self.masters, self.weights, strict=True):
            if weight is master or weight.grad is None:
                continue
            if master.grad is None:
                master.grad = weight.grad.to(master.dtype)
            else:
                master.grad += weight.grad
            weight.grad = None

    def gradients(self) -> list[Tensor]:
        """List each parameter's gradient, in the order of `masters`. Raises TrainingError where one has none."""
        found = self.gradients_by_name()
        missing = [name for name, gradient in found.items() if gradient is None]
        if missing:
            raise TrainingError(
                f"{missing[0]} has no gradient: every parameter must take part in the loss, and require a gradient."
            )
        return [gradient for gradient in found.values() if gradient is not None]

    def gradients_by_name(self) -> dict[str, Tensor | None]:
        """Map each parameter's name to its gradient: the copy's, or the one gathered at the master, or None."""
        triples = zip(self._names, self.masters, self.weights, strict=True)
        return {name: master.grad if weight.grad is None else weight.grad for name, master, weight in triples}

    def copies(self) -> list[Tensor | None]:
        """List the copy of each parameter, None where it is shared."""
        pairs = zip(self.masters, self.weights, strict=True)
        return [None if weight is master else weight.detach() for master, weight in pairs]

    def refresh(self) -> None:
        """Round the masters into their copies again."""
        pairs = [(w, m) for w, m in zip(self.weights, self.masters, strict=True) if w is not m]
        if pairs:
            with torch.no_grad():
                torch._foreach_copy_([weight for weight, _ in pairs], [master for _, master in pairs])

    def clear_gradients(self) -> None:
        """Set all gradients to None."""
        for parameter in (*self.masters, *self.weights):
            parameter.grad = None


def with_matrices_in(dtype: torch.dtype, model: GPT) -> GPT:
    """Copy a model's matrices in `dtype`, and share its other parameters."""
    other = without_numbers(model.config, model.ops)
    parameters = {
        name: nn.Parameter(parameter.detach().to(dtype)) if is_copied(name, parameter, dtype) else parameter
        for name, parameter in model.named_parameters()
    }
    other.load_state_dict(parameters, assign=True)
    return other


def is_copied(name: str, parameter: Tensor, dtype: torch.dtype) -> bool:
    """Whether a parameter needs a copy to compute with: one of the blocks' matrices, in another format.

    The embeddings stay in float32: wte gets a gradient as the embedding and
    another, of quite another size, as the head, and in bfloat16's eight bits
    their sum loses the smaller one. (With a bfloat16 wte a 124M model fell
    behind its float32 twin from step 100 on.) The head's products round it.
    """
    return parameter.dim() == 2 and name not in ("wte.weight", "wpe.weight") and parameter.dtype != dtype


def recompute_blocks(model: GPT) -> None:
    """Let a model keep only what enters each block, and compute its inside again on the way back.

    Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
    """
    for layer in range(model.config.n_layer):
        block = model.block(layer)
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)  # type: ignore[method-assign]
