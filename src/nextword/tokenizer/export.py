"""The tokenizer's files for transformers, vLLM, mlx-lm and llama.cpp."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from nextword.runtime import replacing
from nextword.tokenizer.characters import CHARS, EACH_CHARACTER
from nextword.tokenizer.patterns import PUBLISHED
from nextword.tokenizer.vocab import GPT2, Vocabulary, encoder_json, merge_lines, read_vocab_bpe, to_printable


def save_tokenizer(directory: str | Path, n_ctx: int | None = None, vocabulary: Vocabulary = GPT2) -> None:
    """Write the tokenizer into a model directory, as Hugging Face lays out GPT-2's.

    vocab.json              token -> id, GPT-2's identical to OpenAI's encoder.json
    merges.txt              GPT-2's identical to OpenAI's vocab.bpe
    tokenizer.json          both of these and the splitting rule, for the `tokenizers` library
    tokenizer_config.json   what tells transformers which class to use, and where to cut long texts: at n_ctx tokens

    n_ctx: how many tokens the model reads; without it, transformers cuts nothing. The directory is
    made if needed, and files that are there already are replaced, each in one step. Characters as tokens have no
    merges.txt, and a tokenizer of another kind the file that its library reads.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    config = {"tokenizer_config.json": _to_json(_tokenizer_config(vocabulary, n_ctx))}
    for name, content in (_vocabulary_files(vocabulary) | config).items():
        with replacing(directory / name) as beside:
            beside.write_bytes(content)


@lru_cache(maxsize=1)
def _vocabulary_files(vocabulary: Vocabulary) -> dict[str, bytes]:
    """Make the files that are the same for every model with this vocabulary.

    They are kept, 5 MB of them: to make them takes longer than to write them, and every checkpoint has them.
    """
    if vocabulary.files is not None:
        return dict(vocabulary.files)
    if vocabulary.pattern == CHARS:
        return {"tokenizer.json": _to_json(_character_tokenizer(vocabulary))}
    is_gpt2s, lines = vocabulary is GPT2, printable_merges(vocabulary)
    return {
        "vocab.json": encoder_json().encode() if is_gpt2s else json.dumps(_ids(vocabulary)).encode(),
        "merges.txt": read_vocab_bpe() if is_gpt2s else "\n".join(["#version: 0.2", *lines, ""]).encode(),
        "tokenizer.json": _to_json(_tokenizer(vocabulary, lines)),
    }


def printable_merges(vocabulary: Vocabulary) -> list[str]:
    """List the merges as merges.txt has them: two tokens, and a space between."""
    if vocabulary is GPT2:
        return merge_lines()
    return [f"{to_printable(left)} {to_printable(right)}" for left, right in vocabulary.merge_list()]


def printable_tokens(vocabulary: Vocabulary) -> list[str]:
    """List the tokens in the order of ids, as vocab.json has them."""
    names = {id: name for name, id in vocabulary.special.items()}
    return [names.get(id) or to_printable(token) for id, token in enumerate(vocabulary.tokens)]


def _character_tokenizer(vocabulary: Vocabulary) -> dict[str, Any]:
    """Make the content of tokenizer.json for characters as tokens: each one is a word."""
    ids = {token.decode(): id for id, token in enumerate(vocabulary.tokens)}
    rule = {"type": "Split", "pattern": {"Regex": EACH_CHARACTER}, "behavior": "Isolated", "invert": False}
    return _around(vocabulary) | {
        "pre_tokenizer": rule,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": ids, "unk_token": "<unk>"},
    }


def _around(vocabulary: Vocabulary) -> dict[str, Any]:
    """Make what a tokenizer.json says besides its model: here, the special tokens."""
    exactly = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    added = sorted(vocabulary.special.items(), key=lambda item: item[1])
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": id, "content": content, "special": True} | exactly for content, id in added],
        "normalizer": None,
    }


def _ids(vocabulary: Vocabulary) -> dict[str, int]:
    """Make the content of vocab.json: the tokens as files write them, in the order of ids."""
    return {token: id for id, token in enumerate(printable_tokens(vocabulary)) if token}


def _tokenizer(vocabulary: Vocabulary, merges: list[str]) -> dict[str, Any]:
    """Make the content of tokenizer.json. "ByteLevel" means GPT-2's splitting pattern and its printable bytes."""
    uses_gpt2s = vocabulary.pattern == "gpt2"
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": uses_gpt2s}
    rule = {"type": "Split", "pattern": {"Regex": PUBLISHED.get(vocabulary.pattern)}, "behavior": "Isolated"}
    split = {"type": "Sequence", "pretokenizers": [rule | {"invert": False}, byte_level]}
    return _around(vocabulary) | {
        "pre_tokenizer": byte_level if vocabulary.pattern in ("gpt2", "none") else split,
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "vocab": _ids(vocabulary),
            "merges": merges,
        },
    }


def _tokenizer_config(vocabulary: Vocabulary, n_ctx: int | None) -> dict[str, Any]:
    """Make the content of tokenizer_config.json. A GPT2Tokenizer cuts texts as GPT-2 does, and no other way."""
    longest = {} if n_ctx is None else {"model_max_length": n_ctx}
    names = [name for name, id in vocabulary.special.items() if id == vocabulary.end_of_text]
    marks = dict.fromkeys(("bos_token", "eos_token", "unk_token"), names[0]) if names else {}
    kind = "GPT2Tokenizer" if vocabulary.pattern == "gpt2" else "PreTrainedTokenizerFast"
    return (
        longest
        | {"tokenizer_class": kind}
        | marks
        | {
            "add_prefix_space": False,
            "clean_up_tokenization_spaces": False,  # else older transformers decode "a , b" as "a, b"
        }
    )


def _to_json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8")
