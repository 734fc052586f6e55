"""Hugging Face's `config.json`: the model's shape, and many switches that GPT-2 leaves alone.

Source: transformers, class GPT2Config.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nextword.config import GPTConfig
from nextword.errors import WeightsError
from nextword.tokenizer.vocab import END_OF_TEXT_ID, Vocabulary
from nextword.weights.config_file import read_json, shape_from

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
"""The files of a directory; INDEX where the weights are in several."""

SWITCHES: dict[str, Any] = {
    "activation_function": "gelu_new",  # the tanh form
    "add_cross_attention": False,
    "layer_norm_epsilon": 1e-5,
    "n_inner": None,  # which means 4 n_embd
    "reorder_and_upcast_attn": False,
    "scale_attn_by_inverse_layer_idx": False,
    "scale_attn_weights": True,
    "tie_word_embeddings": True,
}
"""What transformers could compute differently, and how GPT-2 has it; also transformers' defaults."""

OF_RELATIVES = {"attention_head_type": "multihead"}
"""What models that call themselves gpt2 say besides, such as santacoder."""

OTHER_USES = re.compile(r"For\w*(Classification|Answering|Choice|Regression)")
"""Classes that put something else in the place of the head."""


def read_config(path: Path) -> GPTConfig:
    """Read the shape of a model from its `config.json`.

    transformers has three dropout rates, and GPT-2 one: it is taken from
    `resid_pdrop`. What the model computes does not depend on it; training
    sets its own. Raises WeightsError, naming the key, for any other model than
    GPT-2, and for a GPT-2 with a switch set to what nextword does not compute.
    """
    values = read_json(path)
    if values.get("model_type", "gpt2") != "gpt2":
        raise WeightsError(
            f"{path}: model_type is {values.get('model_type')!r}, and nextword computes 'gpt2' and no other."
        )
    for architecture in values.get("architectures") or ():
        if OTHER_USES.search(str(architecture)):
            raise WeightsError(
                f"{path}: it is a {architecture}, which says something about a text and not what comes next. "
                "nextword writes with a GPT2LMHeadModel."
            )
    n_ctx = "n_positions" if "n_positions" in values else "n_ctx"
    keys = {
        "n_vocab": "vocab_size",
        "n_ctx": n_ctx,
        "n_embd": "n_embd",
        "n_head": "n_head",
        "n_layer": "n_layer",
    }
    config = shape_from(path, values, keys, dropout=values.get("resid_pdrop", 0.1))
    check_switches(values, config, str(path))
    return config


def check_switches(values: Mapping[str, Any], config: GPTConfig, where: str) -> None:
    """Raise WeightsError, naming the key, for a switch set to what nextword does not compute."""
    for key, expected in (SWITCHES | OF_RELATIVES).items():
        found = values.get(key, expected)
        if found != expected and found not in in_other_words(key, config):
            raise WeightsError(
                f"{where}: {key} is {found!r}, and in GPT-2, all that nextword computes, it is {expected!r}."
            )


def in_other_words(key: str, config: GPTConfig) -> tuple[Any, ...]:
    """List a key's other values of the same meaning; of tied embeddings `open_huggingface` makes sure."""
    return {
        "activation_function": ("gelu_pytorch_tanh", "gelu_fast", "gelu_accurate"),  # all are the tanh form
        "layer_norm_epsilon": ("1e-05", "1e-5"),  # YAML takes them for words
        "n_inner": (4 * config.n_embd,),
        "reorder_and_upcast_attn": (True,),  # in another order, and in float32 also where all else is in float16
        "tie_word_embeddings": (False,),
    }.get(key, ())


def config_values(config: GPTConfig, vocabulary: Vocabulary | None = None) -> dict[str, Any]:
    """Build the content of `config.json`, for transformers and all that reads like it.

    vocabulary: GPT-2's, unless given, of a model that has as many ids.
    """
    end_of_text = END_OF_TEXT_ID if config.n_vocab > END_OF_TEXT_ID else None
    if vocabulary is not None:
        end_of_text = vocabulary.end_of_text
    return SWITCHES | {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": config.n_vocab,
        "n_ctx": config.n_ctx,  # the same number twice: some programs read the one and some the other
        "n_positions": config.n_ctx,
        "n_embd": config.n_embd,
        "n_head": config.n_head,
        "n_layer": config.n_layer,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "initializer_range": 0.02,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "torch_dtype": "float32",
        "use_cache": True,
    }
