"""The shape of a model of one's own size, from a number of parameters or a depth."""

import math
import re
from dataclasses import replace

from nextword.config import GPTConfig

HEAD_SIZE = 64
"""Numbers that an attention head has, in all four GPT-2s."""

WIDTH_PER_LAYER = 64
"""Width over depth, as in the 124M model (768 over 12)."""

SHORT = 8
"""Layers up to which a model reads 256 tokens, which is quick; deeper ones read 1,024, as GPT-2."""

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}


def shape_of_depth(depth: int, n_vocab: int, n_ctx: int | None = None) -> GPTConfig:
    """Choose the shape of a model with so many blocks.

    It is 64 numbers wide for each block, with a head for every 64. Depth 12 is
    GPT-2's 124M, depth 6 the size that many train on Shakespeare's letters.
    n_ctx: 256 up to a depth of 8 and 1,024 from there on, unless given.
    """
    if n_ctx is None:
        n_ctx = 256 if depth <= SHORT else 1024
    return GPTConfig(n_vocab, n_ctx, WIDTH_PER_LAYER * depth, depth, depth)


def shape_of_size(n_params: int, n_vocab: int, n_ctx: int | None = None) -> GPTConfig:
    """Choose the shape with about so many parameters, embeddings among them, for a vocabulary.

    Widths are multiples of 64, so that each head has 64 numbers. Of the shapes
    that come about within a tenth of n_params it takes the one whose width over depth
    is nearest to 64; the loss depends little on that: Kaplan et al., "Scaling Laws
    for Neural Language Models" (2020), figure 5.

    Raises ValueError where the vocabulary alone has more parameters than that.
    """
    shapes = []
    for width in range(HEAD_SIZE, 64 * HEAD_SIZE + 1, HEAD_SIZE):
        likely = shape_of_depth(width // WIDTH_PER_LAYER, n_vocab, n_ctx)
        block = replace(likely, n_layer=2).n_params - replace(likely, n_layer=1).n_params
        fitting = (n_params - likely.n_params) / block + likely.n_layer
        shapes += [replace(likely, n_layer=max(1, depth)) for depth in (math.floor(fitting), math.ceil(fitting))]
    smallest = min(shape.n_params for shape in shapes)
    if smallest > 1.25 * n_params:
        raise ValueError(
            f"{in_millions(n_params)} parameters are too few for a vocabulary of {n_vocab:,}: the smallest model "
            f"with it has {in_millions(smallest)}. Ask for more, or train a tokenizer with fewer tokens."
        )
    return min(shapes, key=lambda shape: _strain(shape, n_params))


def _strain(shape: GPTConfig, n_params: int) -> float:
    """Measure how far a shape is from the size asked for, and from the usual form.

    A tenth of the parameters more or less is worth the usual form.
    """
    off = abs(math.log2(shape.n_params / n_params))
    return off + 4 * max(0.0, off - math.log2(1.1)) + abs(math.log2(shape.n_embd / shape.n_layer / WIDTH_PER_LAYER))


def described(shape: GPTConfig) -> str:
    """Describe a shape in a line: parameters, blocks, width, heads, context, and the vocabulary's share."""
    blocks, heads = (
        f"{n} {what}{'s' if n > 1 else ''}" for n, what in ((shape.n_layer, "block"), (shape.n_head, "head"))
    )
    share = shape.n_vocab * shape.n_embd / shape.n_params
    return (
        f"{in_millions(shape.n_params)} parameters: {blocks}, width {shape.n_embd}, {heads} of "
        f"{shape.n_embd // shape.n_head}, context {shape.n_ctx:,}; "
        f"{'under 1%' if share < 0.01 else f'{share:.0%}'} of them embed the {shape.n_vocab:,} tokens"
    )


def parse_size(text: str) -> int:
    """Parse a number of parameters: 10M, 1.5B, 800k or 10000000. Raises ValueError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmb]?)", text.strip().replace(",", "").replace("_", "").lower())
    if match is None or not float(match[1]):
        raise ValueError(f"{text!r} is none: write 10M, 1.5B or 800k.")
    return round(float(match[1]) * _UNITS[match[2]])


def in_millions(n: int) -> str:
    """Write a number of parameters as people do: 800k, 10.1M, 1.56B."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if n >= size:
            return f"{n / size:.3g}{unit}"
    return str(n)
