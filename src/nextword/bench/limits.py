"""The cost of a piece of work by arithmetic: operations to do and bytes to read."""

from nextword.config import GPTConfig

BITS = {"float32": 32.0, "bfloat16": 16.0, "int8": 8.0, "int4": 4.5}
"""Bits a weight by its precision. At four bits, 32 weights share a scale of 16 bits."""


def training_flops(config: GPTConfig, window: int) -> float:
    """Count the operations for each token of training: 6 N + 12 L T C.

    Each of the N parameters takes part in a multiplication and an addition
    forward and in twice as many backward; attention multiplies each query with
    T keys and T values. All T are counted, though half of them are masked.

    Source: Chowdhery et al., "PaLM" (2022), appendix B.
    """
    return 6.0 * config.n_params + 12.0 * config.n_layer * window * config.n_embd


def prefill_flops(config: GPTConfig, n_tokens: int) -> float:
    """Count the operations of a prefill of T tokens: T (2 N' + 4 L T C) + 2 V C.

    N' are the blocks' parameters. The head is needed for the last token alone.
    """
    block_params = 12 * config.n_embd**2 * config.n_layer
    each = 2.0 * block_params + 4.0 * config.n_layer * n_tokens * config.n_embd
    return n_tokens * each + 2.0 * config.n_vocab * config.n_embd


def decode_bytes(config: GPTConfig, precision: str, n_visible: float, n_rows: int = 1) -> float:
    """Count the bytes read by one decoding step: all weights, and each row's keys and values.

    The head is wte, so wte is read whole. Keys and values are counted in float32 where the weights are in
    float32, else in bfloat16, for n_visible tokens a row.
    """
    weights = (config.n_params - config.n_ctx * config.n_embd) * BITS[precision] / 8
    n_bytes = 4 if precision == "float32" else 2
    return weights + n_rows * 2 * config.n_layer * config.n_embd * n_visible * n_bytes


def decode_flops(config: GPTConfig, n_visible: float) -> float:
    """Count the operations for each decoded token: 2 N'' + 4 L S C. N'' are the blocks' and the head's parameters."""
    params = 12 * config.n_embd**2 * config.n_layer + config.n_vocab * config.n_embd
    return 2.0 * params + 4.0 * config.n_layer * n_visible * config.n_embd
