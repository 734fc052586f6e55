"""SOAP: Adam in the directions in which a matrix's gradients vary.

Source: Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam" (2024), algorithms 3 and 4.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from nextword.train.matrix_optimizers.matrix_optimizer import MatrixOptimizer, parts_of

BETA1, BETA2, EPS = 0.95, 0.95, 1e-8
EVERY = 10
"""Steps between renewals of the eigenvectors."""


class Soap(MatrixOptimizer):
    """Move a matrix by Adam, among the eigenvectors of its gradients' covariances.

    The first step only looks at the gradient.
    """

    def directions(self, gradients: dict[Tensor, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """See `MatrixOptimizer.directions`."""
        for matrix, whole in gradients.items():
            state, gradient = self.state[matrix], parts_of(whole)  # (p, m, n), as all below
            if not state:
                state["step"] = torch.tensor(0.0)
                state["left"], state["right"] = gradient @ gradient.mT, gradient.mT @ gradient  # (p, m, m), (p, n, n)
                state["left_basis"], state["right_basis"] = eigenvectors(state["left"]), eigenvectors(state["right"])
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(gradient), torch.zeros_like(gradient)
                continue
            state["step"] += 1
            left, right = state["left_basis"], state["right_basis"]
            turned = left.mT @ gradient @ right
            state["exp_avg"].lerp_(gradient, 1.0 - BETA1)
            state["exp_avg_sq"].lerp_(turned.square(), 1.0 - BETA2)
            t = state["step"].item()
            root = (state["exp_avg_sq"] / (1.0 - BETA2**t)).sqrt_().add_(EPS)
            move = left @ (left.mT @ state["exp_avg"] @ right / root) @ right.mT / (1.0 - BETA1**t)
            direction = torch.empty_like(matrix)
            parts_of(direction).copy_(move)
            yield matrix, direction
            state["left"].lerp_(gradient @ gradient.mT, 1.0 - BETA2)
            state["right"].lerp_(gradient.mT @ gradient, 1.0 - BETA2)
            if t % EVERY == 0:
                renew(state)


def eigenvectors(covariance: Tensor) -> Tensor:
    """Compute a symmetric matrix's eigenvectors, largest eigenvalue first: (..., m, m) -> (..., m, m), in columns."""
    return torch.linalg.eigh(covariance)[1].flip(-1).contiguous()


def renew(state: dict[str, Tensor]) -> None:
    """Turn both bases nearer to the eigenvectors by a step of power iteration.

    They are put into the order of the eigenvalues first, and Adam's squares with them.
    """
    for side, dim in (("left", -2), ("right", -1)):
        covariance, basis = state[side], state[f"{side}_basis"]
        products = covariance @ basis
        order = (basis * products).sum(-2).argsort(-1, descending=True)  # (p, m), by what stand for eigenvalues
        index = order[:, None, :].expand_as(products)
        state[f"{side}_basis"] = torch.linalg.qr(products.gather(-1, index))[0].contiguous()
        squares = state["exp_avg_sq"]
        index = (order[:, :, None] if dim == -2 else order[:, None, :]).expand_as(squares)
        state["exp_avg_sq"] = squares.gather(dim, index)
