"""The ids of texts, in the shapes that a model reads."""

from collections.abc import Sequence

import torch
from torch import Tensor

Ids = Tensor | Sequence[int]
"""One text's ids, (T,) or a list, or several texts' (B, T)."""


def as_rows(ids: Ids, device: torch.device | str = "cpu") -> Tensor:
    """Make a batch of ids: a list or (T,) becomes (1, T), and (B, T) stays."""
    rows = ids if isinstance(ids, Tensor) else torch.tensor(ids, dtype=torch.int64)
    return (rows.unsqueeze(0) if rows.dim() == 1 else rows).to(device)


def one_text(ids: Ids) -> Tensor:
    """Make a batch of one text: (1, T). Raises ValueError for several."""
    rows = as_rows(ids)
    if rows.dim() == 2 and len(rows) > 1:
        raise ValueError(f"this is told of one text, and ids holds {len(rows)}: give one of them, such as ids[0].")
    return rows
