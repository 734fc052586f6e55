from collections.abc import Callable

import torch
from torch import Tensor, nn


def generate(
    model: nn.Module,
    ids: Tensor,
    max_new_tokens: int,
    choose: Callable[[Tensor], Tensor],
    n_ctx: int,
    end_id: int | None = None,
) -> Tensor:
    """@generate"""
    ...
