"""Who said it: how much each part of the model added to a token's score."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nextword.foreign import ForeignGPT
from nextword.lens.labelled import Axis, Labelled
from nextword.lens.tracing import Ids, Trace, block_of, trace
from nextword.lens.wording import token_text
from nextword.model import GPT, GPTConfig
from nextword.model.attention import merge_heads


class Contributions(NamedTuple):
    """What each part added to one token's logit; all together are that logit.

    embed: token and position. heads (L, H), mlps (L,): an MLP's bias is its
    own. rest: the biases of attention's projections and of the last norm.
    """

    embed: float
    heads: Tensor
    mlps: Tensor
    rest: float


def direct_logit_attribution(model: GPT | ForeignGPT, ids: Ids, token: int, position: int = -1) -> Labelled:
    """What the embedding, each head and each MLP added to a token's score as the one after `position`.

    The numbers add up to the logit: everything before the last LayerNorm is
    only added to the stream, and with the scale that the norm found here it is
    linear. "Direct", since what a part does by way of later parts counts as
    theirs. ids: one text's. Raises ValueError for a token or a position that is
    not there, and as `trace` does.

    Source: Elhage et al., "A Mathematical Framework for Transformer Circuits" (2021).
    """
    traced = trace(model, ids)
    config = traced.config
    parts = contributions(traced, token, position)
    labels, values = ["embed"], [parts.embed]
    for layer in range(config.n_layer):
        labels += [f"h.{layer}.attn head {head}" for head in range(config.n_head)] + [f"h.{layer}.mlp"]
        values += [*parts.heads[layer].tolist(), parts.mlps[layer].item()]
    after = token_text(int(traced.ids[0, position]), config.n_vocab)
    said = token_text(token, config.n_vocab)
    return Labelled(
        np.array([*values, parts.rest]),
        (Axis("part", [*labels, "biases"]),),
        f"what made “{said}” likely after “{after}”",
        "added to the logit",
    )


@torch.no_grad()
def contributions(traced: Trace, token: int, position: int = -1) -> Contributions:
    """The numbers of `direct_logit_attribution`, of a pass that is traced already, for its first text."""
    model, config, at = traced.model, traced.config, place_in(traced, position)
    check_token(token, config)
    scale = traced["ln_f.scale"][0, at, 0].double()
    # Of what is added to the stream the norm takes the mean away, divides by its scale and multiplies by its weight;
    # then the head takes the product with the token's embedding. All of that is one product with this direction:
    direction = model.ln_f.weight.double() * model.wte.weight[token].double() / scale  # (C,)
    direction = direction - direction.mean()
    rest = model.ln_f.bias.double() @ model.wte.weight[token].double()
    heads, mlps = [], []
    for layer in range(config.n_layer):
        block = block_of(model, layer)
        y = traced[f"h.{layer}.attn.y"][:1, :, at : at + 1]  # (1, H, 1, D)
        back = direction @ block.attn.c_proj.weight.double()  # (C,): the direction, seen from before the projection
        heads.append((merge_heads(y)[0, 0].double() * back).unflatten(0, (config.n_head, -1)).sum(-1))  # (H,)
        rest = rest + direction @ block.attn.c_proj.bias.double()
        mlps.append(traced[f"h.{layer}.mlp.out"][0, at].double() @ direction)
    embed = traced["embed"][0, at].double() @ direction
    return Contributions(embed.item(), torch.stack(heads).cpu(), torch.stack(mlps).cpu(), rest.item())


def place_in(traced: Trace, position: int) -> int:
    """A position, counted from the front. Raises ValueError where the text has none such."""
    T = traced.ids.size(1)
    if not -T <= position < T:
        raise ValueError(f"position {position} is not there: the text has {T} tokens, 0 to {T - 1}.")
    return position % T


def check_token(token: int, config: GPTConfig) -> None:
    """Raise ValueError unless the vocabulary has this token."""
    if not 0 <= token < config.n_vocab:
        raise ValueError(f"token {token} is outside the vocabulary, 0 to {config.n_vocab - 1}.")
