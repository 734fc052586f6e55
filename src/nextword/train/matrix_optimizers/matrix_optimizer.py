"""What all matrix optimizers share: the choice of matrices, the step, and AdamW for all else."""

from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nextword.train.optimizer import AdamW, parameter_groups

BETA1 = 0.9


class MatrixOptimizer(AdamW):
    """Move the blocks' matrices along `directions`, and all else by AdamW.

    The learning rate is one for both: a direction's numbers are to be about as large as AdamW's, so about 1, or
    a few tenths, and the weight decay is AdamW's too.
    """

    def __init__(self, model: nn.Module, lr: float, weight_decay: float, beta2: float):
        super().__init__(parameter_groups(model, weight_decay), lr=lr, betas=(BETA1, beta2), fused=True)
        self._matrices = list(matrices_of(model))

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Make one update by the parameters' gradients."""
        moved = [matrix for matrix in self._matrices if matrix.grad is not None]
        gradients = [matrix.grad for matrix in moved]
        for matrix in moved:
            matrix.grad = None  # AdamW leaves alone what has none
        super().step()
        group = self.param_groups[0]
        for matrix, gradient in zip(moved, gradients, strict=True):
            matrix.grad = gradient
        matrices = {matrix: gradient for matrix, gradient in zip(moved, gradients, strict=True) if gradient is not None}
        for matrix, direction in self.directions(matrices):
            matrix.mul_(1.0 - group["lr"] * group["weight_decay"]).add_(direction, alpha=-group["lr"])

    @abstractmethod
    def directions(self, gradients: dict[Tensor, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each matrix with the direction to move it against: both (rows, columns)."""


def matrices_of(model: nn.Module) -> Iterator[Tensor]:
    """Find the matrices between a model's embedding and its head, where AdamW may be bettered.

    Embeddings and a head of its own are none, though they have two dimensions: each row of theirs is a token's.
    """
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    rows = {m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding)}
    for parameter in model.parameters():
        is_head = parameter.dim() == 2 and max(parameter.shape) == max(rows, default=0)
        if parameter.dim() == 2 and parameter.requires_grad and id(parameter) not in embeddings and not is_head:
            yield parameter


def parts_of(matrix: Tensor) -> Tensor:
    """View a matrix as those that it holds: queries', keys' and values' apart, all others alone.

    (3 C, C) or (C, 3 C) -> (3, C, C); any other (m, n) -> (1, m, n).
    """
    m, n = matrix.shape
    if m == 3 * n:
        return matrix.view(3, n, n)
    if n == 3 * m:
        return matrix.view(m, 3, m).transpose(0, 1)
    return matrix[None]
