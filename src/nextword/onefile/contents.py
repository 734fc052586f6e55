"""The contents of the one file, in the order of reading."""

from collections.abc import Callable
from typing import Any

from nextword.config import GPTConfig
from nextword.data import plain as data
from nextword.decode import plain as decode
from nextword.model import attention, block, gpt, plain
from nextword.onefile import program
from nextword.tokenizer import bpe, vocab
from nextword.train import optimizer
from nextword.train import plain as train
from nextword.weights import plain as weights

Definition = type | Callable[..., Any]

SECTIONS: dict[str, tuple[Definition, ...]] = {
    "Tokenizer: a text becomes ids, and ids become a text": (
        program.load_merges,
        program.load_tokens,
        bpe.encode,
        bpe.merge,
        bpe.decode,
    ),
    "Model: ids become scores of every token as the next one": (
        GPTConfig,
        plain.softmax,
        block.LayerNorm,
        attention.CausalSelfAttention,
        block.MLP,
        block.Block,
        gpt.GPT,
    ),
    "Weights: those that OpenAI published, or others": (program.load_model,),
    "Training: the next token of every place in a text": (
        data.batches,
        train.learning_rate,
        program.train,
    ),
    "Sampling, and the command line": (decode.sample_top_k, decode.generate),
}

WRITTEN_OUT: tuple[Callable[..., Any], ...] = (
    bpe.split,
    bpe.encode_piece,
    bpe.join,
    program.load_ids,
    vocab.token_bytes,
    gpt.GPT.head,
    gpt.GPT.trunk,
    gpt.GPT.residual_stream,
    gpt.GPT.embed,
    gpt.init_weights,
    plain.layer_norm,
    plain.gelu,
    plain.causal_attention,
    plain.attention_scores,
    plain.causal_weights,
    attention.CausalSelfAttention.qkv,
    attention.split_heads,
    attention.merge_heads,
    weights.from_huggingface,
    data.windows,
    decode.sample,
    optimizer.parameter_groups,
    optimizer.set_learning_rate,
    train.gradient_step,
    plain.cross_entropy,
)
"""What is called in one place, and written out there."""

LEFT_OUT = ("__post_init__", "n_params", "weights", "loss", "block")
"""Methods that the file has no use for."""

FIXED = {
    "ops": plain,
    "cache": None,
    "visible": None,
    "layer": 0,
    "dropout": 0.0,
    "allow_special": False,
    "end_id": None,
    "engine": None,
    "vocabulary": vocab.GPT2,
    "pattern": "gpt2",
}
"""What the package leaves open and this file does not: the functions written out, no cache, no dropout, GPT-2's
vocabulary."""

TABLES = {
    "vocabulary.ids": "load_ids()",
    "vocabulary.merges": "load_merges()",
    "vocabulary.token_bytes": "token_bytes",
}
"""Where a vocabulary's tables are in this file."""

IDENTITIES = ("drop", "check_ids", "check_id", "functions_of", "model.eval", "model.train")
"""Calls that do nothing here: checks, and what dropout needs."""
