"""MARS: AdamW on a gradient from which some of its noise is taken.

Source: Yuan et al., "MARS: Unleashing the Power of Variance Reduction for Training Large Models" (2024), algorithm 2,
with the last step's gradient for the one on the same batch at the last weights, as they advise.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from nextword.train.matrix_optimizers.matrix_optimizer import MatrixOptimizer

BETA1, BETA2, EPS = 0.95, 0.99, 1e-8
GAMMA = 0.025
"""How much of the change from step to step is added; 0 would be AdamW."""


class Mars(MatrixOptimizer):
    """Move a matrix by AdamW, whose gradient is carried on a little in the direction it changes."""

    def directions(self, gradients: dict[Tensor, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """See `MatrixOptimizer.directions`."""
        for matrix, gradient in gradients.items():
            state = self.state[matrix]
            if not state:
                state["step"] = torch.tensor(0.0)
                state["last_gradient"] = gradient.clone()
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(matrix), torch.zeros_like(matrix)
            corrected = gradient + GAMMA * BETA1 / (1.0 - BETA1) * (gradient - state["last_gradient"])
            corrected /= corrected.norm().clamp(min=1.0)
            state["last_gradient"].copy_(gradient)
            state["step"] += 1
            yield matrix, adam(state, corrected, BETA1, BETA2, EPS)


def adam(state: dict[str, Tensor], gradient: Tensor, beta1: float, beta2: float, eps: float) -> Tensor:
    """Update Adam's two moments, and compute the direction that they give: each of the gradient's shape.

    Source: Kingma and Ba, "Adam" (2015), algorithm 1.
    """
    t = state["step"].item()
    state["exp_avg"].lerp_(gradient, 1.0 - beta1)
    state["exp_avg_sq"].lerp_(gradient.square(), 1.0 - beta2)
    root = (state["exp_avg_sq"] / (1.0 - beta2**t)).sqrt_().add_(eps)
    return state["exp_avg"] / (1.0 - beta1**t) / root
