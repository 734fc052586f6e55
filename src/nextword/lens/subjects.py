"""What is looked into: a model as one of ours, and texts as it reads them."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from nextword.commands import command
from nextword.model import GPT
from nextword.model.block import Block
from nextword.model.gpt import check_ids
from nextword.model.resting import resting
from nextword.user_model import UserModel, as_gpt

Ids = Tensor | Sequence[int]
"""One text's ids, (T,) or a list, or several texts' (B, T)."""


def as_rows(ids: Ids, device: torch.device | str = "cpu") -> Tensor:
    """Ids as the model reads them: a list or (T,) becomes (1, T), and (B, T) stays."""
    rows = ids if isinstance(ids, Tensor) else torch.tensor(ids, dtype=torch.int64)
    return (rows.unsqueeze(0) if rows.dim() == 1 else rows).to(device)


def one_text(ids: Ids) -> Tensor:
    """The same for what is told of one text only: (1, T). Raises ValueError for several."""
    rows = as_rows(ids)
    if rows.dim() == 2 and len(rows) > 1:
        raise ValueError(f"this is told of one text, and ids holds {len(rows)}: give one of them, such as ids[0].")
    return rows


def subject(model: GPT | UserModel, ids: Tensor | None = None) -> GPT:
    """The model as one of ours.

    ids (B, T): what one of a user's own class is tried on, the vocabulary's
    first few unless given. Raises ValueError for ids that the model cannot
    read, and where such a class computes something else than GPT-2 on them.
    """
    if isinstance(model, GPT):
        return model
    gpt = as_gpt(model)
    if ids is None:
        n = min(model.config.n_ctx, model.config.n_vocab, 8)
        ids = torch.arange(n, device=gpt.wte.weight.device).unsqueeze(0)
    check_ids(ids, model.config)
    with torch.no_grad(), resting(model):
        own, ours = model(ids).float(), gpt(ids)
    apart = (own - ours).abs().max().item()
    if not apart <= 1e-2 * max(1.0, ours.abs().max().item()):
        raise ValueError(
            f"{type(model.inner).__name__} gives logits that are up to {apart:.2g} away from those of GPT-2 with its "
            "weights, so what happens inside cannot be told by name. What differs is found by: "
            f"{command('learn', 'doctor', 'FILE.py')}"
        )
    return gpt


def block_of(model: GPT, layer: int) -> Block:
    """One of the model's blocks."""
    return cast(Block, model.h[layer])
