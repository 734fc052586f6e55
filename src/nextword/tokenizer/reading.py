"""Byte-level BPE as Hugging Face's and OpenAI's files hold it, whoever trained it."""

from collections.abc import Mapping, Sequence
from typing import Any

from nextword.tokenizer.characters import CHARS, EACH_CHARACTER
from nextword.tokenizer.patterns import PATTERNS, PUBLISHED
from nextword.tokenizer.vocab import Vocabulary, from_printable

SAME = {pattern: name for table in (PATTERNS, PUBLISHED) for name, pattern in table.items()}
"""Splitting patterns as they are written elsewhere, and our name for each."""

ENDS = ("<|endoftext|>", "</s>", "<|end_of_text|>", "<eos>", "[EOS]")
"""What the token that ends a text is called, where no file says so; the first that there is."""


def from_tables(
    ids: Mapping[str, int],
    merges: Sequence[str | Sequence[str]],
    added: Mapping[str, int],
    pattern: str = "gpt2",
    end_of_text: str | None = None,
) -> Vocabulary:
    """Make a vocabulary of a table of ids and a list of merges.

    ids: token -> id, in the files' letters. merges: "a b", or the two tokens. added: tokens that stand as they are
    spelled. Raises ValueError and its like for
    what makes no vocabulary.
    """
    tokens = [b""] * (1 + max([*ids.values(), *added.values()]))
    for token, id in ids.items():
        tokens[id] = spelled(token)
    for token, id in added.items():
        tokens[id] = token.encode()
    pairs = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in merges]
    ranks = {(from_printable(left), from_printable(right)): rank for rank, (left, right) in enumerate(pairs)}
    end = end_of_text if end_of_text in added else next((name for name in ENDS if name in added), None)
    found = Vocabulary(tuple(tokens), ranks, dict(added), pattern, None if end is None else added[end])
    missing = [left + right for left, right in ranks if left + right not in found.ids]
    if missing:
        raise ValueError(f"{len(missing)} merges make tokens that have no id, such as {missing[0]!r}")
    return found


def spelled(token: str) -> bytes:
    """Read a token in the files' letters, or as it stands where it is not in them."""
    try:
        return from_printable(token)
    except UnicodeError:
        return token.encode()


def from_tokenizer_json(content: Mapping[str, Any], end_of_text: str | None = None) -> Vocabulary | None:
    """Make a vocabulary of a tokenizer.json.

    None if it is of a kind that takes more than tokens, merges and one of our patterns.
    """
    model: dict[str, Any] = content["model"]
    added = {token["content"]: token["id"] for token in content.get("added_tokens") or []}
    if model.get("type") == "WordLevel" and is_character_split(content.get("pre_tokenizer")):
        return from_characters({**model["vocab"]}, added)
    pattern = pattern_of(content.get("pre_tokenizer"))
    plain = ("continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges", "dropout")
    if (
        model.get("type", "BPE") != "BPE"
        or any(model.get(name) for name in plain)
        or content.get("normalizer") not in (None, {"type": "Sequence", "normalizers": []})
        or pattern is None
    ):
        return None
    found = from_tables(model["vocab"], model["merges"], added, pattern, end_of_text)
    return found if all(bytes([byte]) in found.ids for byte in range(256)) else None


def from_characters(ids: dict[str, int], added: dict[str, int]) -> Vocabulary:
    """Make a vocabulary of characters; see `character_vocabulary`."""
    tokens = sorted({**ids, **added}.items(), key=lambda item: item[1])
    assert [id for _, id in tokens] == [*range(len(tokens))]
    return Vocabulary(tuple(t.encode() for t, _ in tokens), {}, added, CHARS, next(iter(added.values()), None))


def is_character_split(rule: Any) -> bool:
    """Say whether a pre-tokenizer cuts a text into its characters."""
    return isinstance(rule, dict) and rule.get("pattern") == {"Regex": EACH_CHARACTER}


def pattern_of(rule: Any) -> str | None:
    """Name the splitting pattern of a pre-tokenizer; None for one that is not ours."""
    match rule:
        case {"type": "ByteLevel"} if not rule.get("add_prefix_space"):
            return "gpt2" if rule.get("use_regex", True) else "none"
        case {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated"},
                {"type": "ByteLevel", "use_regex": False} as byte_level,
            ],
        } if not byte_level.get("add_prefix_space"):
            return SAME.get(regex)
    return None
