"""Writing as one would on a blackboard: choose a token, put it behind the text, ask again.

`choose.py` and the engines do the same for many texts on fast kernels, with
random numbers given from outside and a cache, so that the text need not be
read anew for each token. This is for reading.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nextword.model.attention import merge_heads, split_heads
from nextword.model.block import Block
from nextword.model.cache import KVCache
from nextword.model.gpt import GPT
from nextword.model.plain import causal_attention, softmax


def greedy(logits: Tensor) -> Tensor:
    """Take the likeliest next token of each text.

    logits (B, T, V), a model's whole answer -> ids (B,). What comes after the
    text is said at its last position.
    """
    return logits[:, -1].argmax(-1)


def sample(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Draw the next token of each row by its probability; a lower temperature makes the likely likelier.

    logits (B, V) -> ids (B,), each row drawn for itself. The logits are divided
    by the temperature before the softmax. Temperature 0, its limit, takes the
    likeliest token.

    Source: Ackley, Hinton and Sejnowski, "A Learning Algorithm for Boltzmann Machines" (1985), equation 5.
    """
    return logits.argmax(-1) if temperature == 0.0 else torch.multinomial(softmax(logits / temperature), 1)[:, 0]


def sample_top_k(logits: Tensor, k: int, temperature: float = 1.0) -> Tensor:
    """Draw among the k likeliest tokens of each row only.

    logits (B, V) -> ids (B,). Exactly k tokens can be drawn, also where several
    are equally likely; a k above V means all of them. Raises ValueError for
    k < 1.

    Source: Fan et al., "Hierarchical Neural Story Generation" (2018), section 5.2.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}: at least one token must be left to draw.")
    highest, ids = logits.topk(min(k, logits.size(-1)))  # (B, k) each
    drawn = sample(highest, temperature)  # (B,): places among the k, not ids
    return ids.gather(-1, drawn.unsqueeze(-1)).squeeze(-1)


def sample_top_p(logits: Tensor, p: float, temperature: float = 1.0) -> Tensor:
    """Draw among each row's fewest likeliest tokens whose probabilities reach p together.

    logits (B, V) -> ids (B,). The token with which the sum reaches p still
    belongs to them, so there is always one to draw.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2019), section 3.1.
    """
    ordered, ids = (logits / temperature).sort(-1, descending=True)  # (B, V) each
    chances = softmax(ordered)
    before = chances.cumsum(-1) - chances  # what the likelier ones hold together
    drawn = sample(ordered.masked_fill(before >= p, -math.inf))  # (B,): places in the order, not ids
    return ids.gather(-1, drawn.unsqueeze(-1)).squeeze(-1)


@torch.no_grad()
def generate(
    model: nn.Module,
    ids: Tensor,
    max_new_tokens: int,
    choose: Callable[..., Tensor],
    n_ctx: int,
    end_id: int | None = None,
) -> Tensor:
    """Write behind each text, token by token.

    ids (B, T) -> (B, T + new), the texts with what was written. model(ids) gives
    logits (B, T, V) for at most n_ctx tokens: of a longer text it sees the last
    n_ctx. choose: logits (B, V) -> ids (B,). A row that has written end_id goes
    on with nothing but end_id, and once all have, writing ends early. Dropout is
    off meanwhile, and the model's mode is put back.
    """
    was_training = model.training
    model.eval()
    ended = torch.zeros(ids.size(0), dtype=torch.bool, device=ids.device)
    for _ in range(max_new_tokens):
        next_ids = choose(model(ids[:, -n_ctx:])[:, -1])  # (B,)
        if end_id is not None:
            next_ids = next_ids.masked_fill(ended, end_id)
            ended |= next_ids == end_id
        ids = torch.cat((ids, next_ids.unsqueeze(-1)), dim=-1)
        if end_id is not None and ended.all():
            break
    model.train(was_training)
    return ids


@torch.no_grad()
def continue_text(model: GPT, ids: Tensor, cache: KVCache) -> Tensor:
    """Read the tokens that follow those in the cache, without reading those again.

    ids (B, T) -> logits (B, T, V): the last T of what the model would say of
    the whole text, S tokens long. The cache is T tokens longer afterwards.
    """
    x = model.wte(ids) + model.wpe(cache.place(ids.size(1)))  # (B, T, C)
    for layer, block in enumerate(model.h):
        assert isinstance(block, Block)
        packed = block.attn.c_attn(block.ln_1(x))  # (B, T, 3 C)
        q, k, v = (split_heads(part, model.config.n_head) for part in packed.chunk(3, dim=-1))  # (B, H, T, D) each
        k, v = cache.extend(layer, k, v)  # (B, H, S, D) each
        x = x + block.attn.c_proj(merge_heads(causal_attention(q, k, v)))
        x = x + block.mlp(block.ln_2(x))
    cache.advance(ids.size(1))
    return model.head(model.ln_f(x))
