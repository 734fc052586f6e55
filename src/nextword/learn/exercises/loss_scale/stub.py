from collections.abc import Sequence

from torch import Tensor


def unscale(gradients: Sequence[Tensor], scale: float, steps: int) -> tuple[list[Tensor] | None, float, int]:
    """@unscale"""
    ...
