"""Conversion of a user model to a GPT, to be saved, traced or served."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nextword.commands import command
from nextword.model import GPT
from nextword.model.eval_mode import eval_mode
from nextword.model.gpt import check_ids
from nextword.user_model.wrapper import Trainable
from nextword.weights.assemble import without_numbers
from nextword.weights.names import tensor_names

CHECKED = 8
"""Tokens that a user model is tried on, unless a text is given."""


def as_gpt(model: Trainable) -> GPT:
    """Convert a user model to a GPT, in float32; a GPT is returned as it is.

    Where the user model has no place for a tensor of ours, it has what comes closest to nothing: see `neutral`.
    """
    if isinstance(model, GPT):
        return model
    tensors = model.matching.export()
    gpt = without_numbers(model.config)
    for name in tensor_names(model.config.n_layer):
        found = tensors.get(name.ours)
        tensors[name.ours] = neutral(name.ours, name.shape(model.config)) if found is None else found.float()
    device = tensors["wte.weight"].device
    gpt.load_state_dict({name: tensor.to(device) for name, tensor in tensors.items()}, assign=True)
    gpt.vocabulary = model.vocabulary
    return gpt.eval()


def neutral(name: str, shape: tuple[int, ...]) -> Tensor:
    """Make the tensor of this name that changes nothing: zeros, ones or the identity."""
    if name.endswith("attn.c_proj.weight"):
        return torch.eye(shape[0])
    if ".ln_" in f".{name}" and name.endswith("weight"):
        return torch.ones(shape)
    return torch.zeros(shape)


def checked_gpt(model: Trainable, ids: Tensor | Sequence[Sequence[int]] | None = None) -> GPT:
    """Convert a user model to a GPT, and check that both give the same logits.

    ids (B, T): the text, by default the vocabulary's first tokens. Raises
    ValueError for ids that the model cannot read, and for a user model that
    computes something else than GPT-2 does with its weights.
    """
    if isinstance(model, GPT):
        return model
    gpt = as_gpt(model)
    if ids is None:
        ids = [range(min(model.config.n_ctx, model.config.n_vocab, CHECKED))]
    rows = torch.as_tensor(ids, device=gpt.wte.weight.device)
    check_ids(rows, model.config)
    with torch.no_grad(), eval_mode(model):
        own, ours = model(rows).float(), gpt(rows)
    apart = (own - ours).abs().max().item()
    if not apart <= 1e-2 * max(1.0, ours.abs().max().item()):
        raise ValueError(
            f"{type(model.inner).__name__} gives logits that are up to {apart:.2g} away from those of GPT-2 with its "
            "weights, so what happens inside cannot be told by name. What differs is found by: "
            f"{command('learn', 'doctor', 'FILE.py')}"
        )
    return gpt
