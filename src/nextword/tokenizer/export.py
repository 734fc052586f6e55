"""The tokenizer's files for transformers, vLLM, mlx-lm and llama.cpp."""

import json
from pathlib import Path
from typing import Any

from nextword.runtime import replacing
from nextword.tokenizer.vocab import END_OF_TEXT, END_OF_TEXT_ID, encoder_json, merge_lines, read_vocab_bpe


def save_tokenizer(directory: str | Path, n_ctx: int | None = None) -> None:
    """Write the tokenizer into a model directory, as Hugging Face lays out GPT-2's.

    vocab.json              token -> id, identical to OpenAI's encoder.json
    merges.txt              identical to OpenAI's vocab.bpe
    tokenizer.json          both of these and the splitting rule, for the `tokenizers` library
    tokenizer_config.json   what tells transformers which class to use, and where to cut long texts: at n_ctx tokens

    n_ctx: how many tokens the model reads; without it, transformers cuts nothing. The directory is
    made if needed, and files that are there already are replaced, each in one step.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in {
        "vocab.json": encoder_json().encode("utf-8"),
        "merges.txt": read_vocab_bpe(),
        "tokenizer.json": _to_json(_tokenizer()),
        "tokenizer_config.json": _to_json(_tokenizer_config(n_ctx)),
    }.items():
        with replacing(directory / name) as beside:
            beside.write_bytes(content)


def _tokenizer() -> dict[str, Any]:
    """Make the content of tokenizer.json. "ByteLevel" means GPT-2's splitting pattern and its printable bytes."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    end_of_text = {"id": END_OF_TEXT_ID, "content": END_OF_TEXT, "special": True}
    exactly = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [end_of_text | exactly],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "vocab": json.loads(encoder_json()),
            "merges": merge_lines(),
        },
    }


def _tokenizer_config(n_ctx: int | None) -> dict[str, Any]:
    """Make the content of tokenizer_config.json."""
    longest = {} if n_ctx is None else {"model_max_length": n_ctx}
    return longest | {
        "tokenizer_class": "GPT2Tokenizer",
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "unk_token": END_OF_TEXT,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,  # else older transformers decode "a , b" as "a, b"
    }


def _to_json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8")
