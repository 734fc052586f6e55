"""Muon: a step of the same size in all of a matrix's directions.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); its size in terms of AdamW's
steps: Liu et al., "Muon is Scalable for LLM Training" (2025), equation 4.
"""

import math
from collections import defaultdict
from collections.abc import Iterator

import torch
from torch import Tensor

from nextword.train.matrix_optimizers.matrix_optimizer import MatrixOptimizer, parts_of

MOMENTUM = 0.95
ITERATIONS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)
"""a, b, c of a s + b s**3 + c s**5: applied five times, it brings any s from 0.002 to 1 between 0.68 and 1.2."""

LIKE_ADAMW = 0.2
"""The root mean square of AdamW's steps, as it is in the course of a training."""


class Muon(MatrixOptimizer):
    """Move a matrix along its momentum, with all singular values made 1."""

    def directions(self, gradients: dict[Tensor, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """See `MatrixOptimizer.directions`. Matrices of one shape are made orthogonal side by side."""
        alike = defaultdict(list)
        for matrix, gradient in gradients.items():
            state = self.state[matrix]
            if not state:
                state["momentum"] = torch.zeros_like(matrix)
            state["momentum"].lerp_(gradient, 1.0 - MOMENTUM)
            ahead = gradient.lerp(state["momentum"], MOMENTUM)  # Nesterov's: the momentum as it will be
            alike[matrix.shape].append((matrix, ahead))
        for members in alike.values():
            parts = torch.cat([parts_of(ahead) for _, ahead in members])  # (parts of all, m, n)
            moves = orthogonal(parts).mul_(LIKE_ADAMW * math.sqrt(max(parts.shape[-2:])))
            for (matrix, _), own in zip(members, moves.chunk(len(members)), strict=True):
                direction = torch.empty_like(matrix)
                parts_of(direction).copy_(own)
                yield matrix, direction


def orthogonal(matrices: Tensor) -> Tensor:
    """Bring a matrix's singular values near 1 by Newton-Schulz iteration: U S V' -> about U V'.

    (..., m, n) -> (..., m, n). On a GPU in bfloat16: an error of the size of its rounding does no harm here.
    """
    a, b, c = QUINTIC
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    is_tall = x.size(-2) > x.size(-1)
    x = x.mT if is_tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)  # then no singular value is above 1
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if is_tall else x).to(matrices.dtype)
