import pytest

from nextword.bench.limits import decode_bytes, decode_flops, prefill_flops, training_flops
from nextword.model import GPTConfig

GPT2 = GPTConfig()
SMALL = GPTConfig(n_vocab=7, n_ctx=5, n_embd=4, n_head=2, n_layer=3)
BLOCK_WEIGHTS = 4 * 12 + 4 * 4 + 4 * 16 + 16 * 4  # c_attn, c_proj, c_fc, c_proj


def test_training_counts_six_operations_a_parameter_and_attention() -> None:
    # Each of 3 blocks does two products with T keys or values of width 4 for each token, and backward twice that.
    assert training_flops(SMALL, window=5) == 6 * SMALL.n_params + 3 * (3 * 2 * 2 * 5 * 4)
    # 2.3 TFLOP/s are enough for about 2,700 tokens a second.
    assert 2.3e12 / training_flops(GPT2, 1024) == pytest.approx(2700, rel=0.02)


def test_prefill_needs_the_head_for_one_token_only() -> None:
    one = 2 * 3 * BLOCK_WEIGHTS
    attention = 3 * 2 * 2 * 5 * 4
    assert prefill_flops(SMALL, 5) == 5 * (one + attention) + 2 * 7 * 4


def test_decoding_multiplies_every_weight_once() -> None:
    assert decode_flops(SMALL, 0) == 2 * (3 * BLOCK_WEIGHTS + 7 * 4)
    assert decode_flops(SMALL, 5) - decode_flops(SMALL, 0) == 3 * 2 * 2 * 5 * 4


def test_decoding_reads_every_weight_once_and_all_keys_and_values() -> None:
    weights = SMALL.n_params - 5 * 4  # of wpe one row is read
    assert decode_bytes(SMALL, "float32", 0) == 4 * weights
    assert decode_bytes(SMALL, "bfloat16", 0) == 2 * weights
    assert decode_bytes(SMALL, "int8", 0) == weights
    assert decode_bytes(SMALL, "int4", 0) == pytest.approx(weights * 4.5 / 8)
    cache = 2 * 3 * 4  # keys and values of one token
    assert decode_bytes(SMALL, "float32", 10) - decode_bytes(SMALL, "float32", 0) == 4 * 10 * cache
    assert decode_bytes(SMALL, "int8", 10, n_rows=8) - decode_bytes(SMALL, "int8", 0) == 8 * 2 * 10 * cache
    assert 30e9 / decode_bytes(GPT2, "float32", 96) == pytest.approx(60, rel=0.05)
