"""The comparison of a model's tokenizer with GPT-2's, by tokens and merges."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nextword.tokenizer.vocab import END_OF_TEXT, load_tokens, merge_lines, to_printable

KNOWN = {
    "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",  # vocab.json, OpenAI's encoder.json
    "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",  # merges.txt, OpenAI's vocab.bpe
    "f461b30e2a7c0c44a99c55027b8b9edbdf76732ea442dabd644fb6bb4731f7e6",  # tokenizer.json, as `save_tokenizer` writes it
}
"""SHA-256 of files that need no second look, since comparing all tokens takes longer than loading a small model."""

OTHERS = ("spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "vocab.txt", "spm.model")
"""What the tokenizers of other families are kept in."""


def difference(directory: Path) -> str | None:
    """Describe how a directory's tokenizer differs from GPT-2's; None if it does not.

    Written by whatever version of whatever program, GPT-2's has the same 50,257
    tokens and 50,000 merges. Tokens that were added beyond them are named too,
    but for one that only fills up texts.
    """
    for name, compare in FILES.items():
        file = directory / name
        if not file.is_file():
            continue
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() in KNOWN:
            continue
        try:
            found = compare(content.decode("utf-8-sig"))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            found = "it cannot be read"
        if found is not None:
            return f"{name}: {found}"
    if not any((directory / name).is_file() for name in FILES):
        for name in OTHERS:
            if (directory / name).is_file():
                return f"{name}: it belongs to another kind of tokenizer"
    return None


def compare_ids(found: Mapping[str, int]) -> str | None:
    """Compare a table token -> id."""
    expected = ids()
    for token, id in expected.items():
        if found.get(token) != id:
            return f"{token!r} is {described(found.get(token))} in it, and id {id} in GPT-2's"
    return compare_added({token: id for token, id in found.items() if token not in expected})


def compare_added(added: Mapping[str, int]) -> str | None:
    """Compare the added tokens; one for padding makes no difference."""
    telling = [token for token in added if "pad" not in token.lower()]
    return f"it has tokens of its own, such as {telling[0]!r}" if telling else None


def compare_merges(found: list[str]) -> str | None:
    """Compare merges, best first, each two tokens with a space between."""
    expected = merge_lines()
    for number, (theirs, gpt2s) in enumerate(zip(found, expected, strict=False)):
        if theirs != gpt2s:
            return f"merge {number} is {theirs!r} in it, and {gpt2s!r} in GPT-2's"
    return None if len(found) == len(expected) else f"it has {len(found)} merges, and GPT-2's has {len(expected)}"


def compare_vocab_json(text: str) -> str | None:
    """Compare `vocab.json`, which OpenAI calls `encoder.json`."""
    return compare_ids(json.loads(text))


def compare_merges_txt(text: str) -> str | None:
    """Compare `merges.txt`, which OpenAI calls `vocab.bpe`."""
    lines = text.split("\n")
    return compare_merges([line.rstrip("\r") for line in lines if line.strip() and not line.startswith("#version")])


def compare_tokenizer_json(text: str) -> str | None:
    """Compare `tokenizer.json`, in which a merge is "a b" or, since tokenizers 0.20, ["a", "b"]."""
    content = json.loads(text)
    model: dict[str, Any] = content["model"]
    if model.get("type", "BPE") != "BPE":
        return f"it is of the kind {model['type']}"
    if content.get("normalizer") is not None:
        return "it changes texts before it cuts them (normalizer)"
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    added = {token["content"]: token["id"] for token in content.get("added_tokens") or []}
    vocab = dict(model["vocab"])
    return compare_ids({END_OF_TEXT: added.get(END_OF_TEXT, -1)} | vocab | added) or compare_merges(merges)


def ids() -> dict[str, int]:
    """Load GPT-2's token -> id, in the files' letters."""
    return {to_printable(token): id for id, token in enumerate(load_tokens())}


def described(id: object) -> str:
    """Write an id in words."""
    return "not there" if id is None else f"id {id}"


FILES: Mapping[str, Callable[[str], str | None]] = {
    "tokenizer.json": compare_tokenizer_json,
    "vocab.json": compare_vocab_json,
    "encoder.json": compare_vocab_json,
    "merges.txt": compare_merges_txt,
    "vocab.bpe": compare_merges_txt,
}
"""The files that hold such a tokenizer, and how each is compared."""
