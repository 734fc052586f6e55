"""Direct logit attribution: how much each part of the model added to a token's logit."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nextword.lens.labelled import Axis, Labelled
from nextword.lens.names import check_token, from_the_front
from nextword.lens.texts import Ids, one_text
from nextword.lens.token_text import token_text, vocabulary_of
from nextword.lens.tracing import Trace, trace
from nextword.model import GPT
from nextword.model.attention import merge_heads


class Contributions(NamedTuple):
    """The parts' contributions to one token's logit, which they add up to, in float64.

    embed: token and position. heads (L, H), mlps (L,): an MLP's bias is its
    own. rest: the biases of attention's projections and of the last norm.
    """

    embed: float
    heads: Tensor
    mlps: Tensor
    rest: float


def direct_logit_attribution(model: GPT, ids: Ids, token: int, position: int = -1) -> Labelled:
    """Attribute a token's logit after `position` to the embedding, each head and each MLP.

    The numbers add up to the logit: everything before the last LayerNorm is
    only added to the stream, and with the scale that the norm found here it is
    linear. "Direct", since what a part does by way of later parts counts as
    theirs. ids: one text's. Raises ValueError for several, for a token or a
    position that is not there, and as `trace` does.

    Source: Elhage et al., "A Mathematical Framework for Transformer Circuits" (2021).
    """
    traced = trace(model, one_text(ids))
    config = traced.config
    parts = contributions(traced, token, position)
    labels, values = ["embed"], [parts.embed]
    for layer in range(config.n_layer):
        labels += [f"h.{layer}.attn head {head}" for head in range(config.n_head)] + [f"h.{layer}.mlp"]
        values += [*parts.heads[layer].tolist(), parts.mlps[layer].item()]
    after = token_text(int(traced.ids[0, position]), vocabulary_of(model))
    said = token_text(token, vocabulary_of(model))
    return Labelled(
        np.array([*values, parts.rest]),
        (Axis("part", [*labels, "biases"]),),
        f"what made “{said}” likely after “{after}”",
        "added to the logit",
    )


@torch.no_grad()
def contributions(traced: Trace, token: int, position: int = -1) -> Contributions:
    """Attribute a token's logit as `direct_logit_attribution` does, from a trace, for its first text."""
    model, config, at = traced.model, traced.config, from_the_front(position, traced.ids.size(1))
    check_token(token, config)
    scale = exact(traced["ln_f.scale"][0, at, 0])
    # Of what is added to the stream the norm takes the mean away, divides by its scale and multiplies by its weight;
    # then the head takes the product with the token's embedding. All of that is one product with this direction:
    direction = exact(model.ln_f.weight) * exact(model.wte.weight[token]) / scale  # (C,)
    direction = direction - direction.mean()
    rest = exact(model.ln_f.bias) @ exact(model.wte.weight[token])
    heads, mlps = [], []
    for layer in range(config.n_layer):
        block = model.block(layer)
        y = traced[f"h.{layer}.attn.y"][:1, :, at : at + 1]  # (1, H, 1, D)
        back = direction @ exact(block.attn.c_proj.weight)  # (C,): the direction, seen from before the projection
        heads.append((exact(merge_heads(y)[0, 0]) * back).unflatten(0, (config.n_head, -1)).sum(-1))  # (H,)
        rest = rest + direction @ exact(block.attn.c_proj.bias)
        mlps.append(exact(traced[f"h.{layer}.mlp.out"][0, at]) @ direction)
    embed = exact(traced["embed"][0, at]) @ direction
    return Contributions(embed.item(), torch.stack(heads), torch.stack(mlps), rest.item())


def exact(x: Tensor) -> Tensor:
    """Convert to float64 on the CPU, since not every device has it."""
    return x.cpu().double()
