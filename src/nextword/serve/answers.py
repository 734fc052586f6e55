"""Answer the page's questions about a text that has been read.

Long ones come in parts, which are found out one by one and remembered, so that
the model's thread is soon free for others.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, adaptive_max_pool2d

from nextword.lens.attribution import contributions
from nextword.lens.interventions import ablations
from nextword.lens.patterns import patterns
from nextword.model import plain
from nextword.serve.reading import ReadText

PORTION = 128  # positions whose logits are made in one turn: a tenth of a second for GPT-2 124M


def top_token_parts(layers: Iterable[int], first: int, last: int) -> list[Callable[[ReadText], object]]:
    """Compute these layers' top tokens at the positions from first to before last, in parts."""
    starts = range(first, last, PORTION)
    return [
        partial(ReadText.top_tokens, layer=layer, first=start, last=min(start + PORTION, last))
        for layer in layers
        for start in starts
    ]


def surprises(text: ReadText) -> dict[str, Any]:
    """List each token's log-probability and the token expected in its place; nothing for the first."""
    own, top = text.surprise()
    perplexity = math.exp(min(-own.cpu().double().mean().item(), 700.0)) if len(own) else None
    return {
        "logprob": [None, *own.tolist()],
        "top": [[], *(words("logprob", *row) for row in rows(top.ids, top.logprob))],
        "perplexity": perplexity,
    }


def cells(text: ReadText, first: int, last: int, top: int) -> dict[str, Any]:
    """List each layer's top tokens at these positions."""
    found = []
    for layer in range(text.n_layer + 1):
        best = text.top_tokens(layer, first, last)
        found.append([words("p", *row) for row in rows(best.ids[:, :top], best.logprob[:, :top].exp())])
    return {"layers": text.n_layer + 1, "first": first, "cells": found}


def rows(*arrays: Tensor) -> Iterator[tuple[list[Any], ...]]:
    """Zip the rows of some arrays, as lists."""
    return zip(*(array.tolist() for array in arrays), strict=True)


def words(name: str, ids: list[int], values: list[float]) -> list[dict[str, float]]:
    """Tokens with a number each."""
    return [{"id": id, name: value} for id, value in zip(ids, values, strict=True)]


def way(text: ReadText) -> Tensor:
    """Compute the last token's residual stream on its way through the layers: (3 L + 3, C).

    What it is and where it stands, the stream before the first layer and after
    each, what each layer's attention adds to it, and what each MLP adds.
    """
    ending, layers = text.trace_of_the_end(), range(text.n_layer)
    stream = [ending.stream(layer) for layer in range(text.n_layer + 1)]
    added = [ending[f"h.{layer}.{part}.out"] for part in ("attn", "mlp") for layer in layers]
    rows = [ending.model.wte.weight[text.ids[-1]], ending.model.wpe.weight[text.length - 1]]
    return torch.stack([*rows, *(x[0, -1] for x in (*stream, *added))])


def attention(text: ReadText, layer: int, head: int) -> Tensor:
    """Compute one head's attention weights: (T, T)."""
    return text.trace()[f"h.{layer}.attn.weights"][0, head]


def scores(text: ReadText, layer: int, head: int, position: int) -> Tensor:
    """Compute one query's attention scores, before the softmax: (position + 1,)."""
    traced = text.trace()
    q, k, _ = traced[f"h.{layer}.attn.qkv"][0].chunk(3, -1)  # (T, C) each
    size = q.size(-1) // traced.config.n_head
    mine = slice(head * size, (head + 1) * size)
    return plain.attention_scores(q[position : position + 1, mine], k[: position + 1, mine])[0]


def small_maps(text: ReadText, layer: int, size: int) -> bytes:
    """Shrink a layer's attention weights to H maps of size x size bytes.

    A pixel is what its tokens give to the keys that share it, on average over
    the keys, and that of the token which gives them most, so that a bright spot
    is not lost. Each row is divided by its strongest pixel, since in a long text
    all are small: 255 for that.
    """
    large = text.trace()[f"h.{layer}.attn.weights"][0].float()  # (H, T, T)
    side = min(size, text.length)
    small = adaptive_max_pool2d(adaptive_avg_pool2d(large, (None, side)), side)  # (H, side, side)
    return (small / small.amax(-1, keepdim=True) * 255).round().to(torch.uint8).cpu().numpy().tobytes()


def named_patterns(text: ReadText, layer: int) -> Tensor:
    """Measure how much a layer's heads follow each of `PATTERNS`: (H, 4)."""
    return patterns(text.trace()[f"h.{layer}.attn.weights"][0], text.ids)


def knocked_out(text: ReadText, heads: Sequence[tuple[int, int]], mlps: Sequence[int]) -> Tensor:
    """Ablate some heads, (layer, head), and the MLPs of some layers -> next logits (V,)."""
    if not heads and not mlps:
        return text.next()
    traced = text.trace()
    return traced.model.head(traced.changed(ablations(traced, heads, mlps))["ln_f.out"][0, -1])


def contributed(text: ReadText, token: int) -> dict[str, Any]:
    """Attribute a token's logit at the text's end to the embedding, heads and MLPs."""
    found = contributions(text.trace_of_the_end(), token)
    return {"embed": found.embed, "heads": found.heads.tolist(), "mlps": found.mlps.tolist(), "rest": found.rest}
