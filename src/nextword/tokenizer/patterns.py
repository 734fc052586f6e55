"""The rules that cut a text into pieces, by name; no token reaches across two pieces.

gpt2    words, numbers and signs, each with the space before it: written out in `bpe.py`
gpt4    as OpenAI's later models: contractions in any case, at most three digits, line breaks by themselves
gpt4o   as gpt4, and letters keep their marks: without that, words of Bengali or Hindi are cut at each vowel sign
none    no cut: the whole text is one piece
"""

import re
from collections.abc import Mapping

import regex

from nextword.errors import NextwordError

# "o200k_base": a word in capitals, or in small letters with or without capitals before them; both with their marks.
GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

PATTERNS = {
    # These pieces are those of bpe.PATTERN. `++` (never give back what was matched) and the extra case for white
    # space at the end of the text change only how much time and memory a long run of one kind of character takes.
    "gpt2": r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s+",
    # "cl100k_base", as published; today's tiktoken takes a line end and spaces at the end of a text together.
    "gpt4": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt4o": GPT4O,
    "none": r"(?s:.)++",
}
"""What to cut a text by, as tiktoken and `regex` read it."""

PUBLISHED = {
    "gpt2": r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""",
    "gpt4": r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"""
    r"""|\s+(?!\S)|\s+""",
    "gpt4o": GPT4O,
}
"""The same pieces as other programs' files write them; `tokenizers` reads `++` and `{1,3}+` as something else."""


def pattern_named(name: str) -> str:
    """Look a pattern up. Raises NextwordError for a name that is not there."""
    if name not in PATTERNS:
        raise NextwordError(f"the splitting pattern {name} is not known: use {', '.join(PATTERNS)}.")
    return PATTERNS[name]


def cut(text: str, pattern: str) -> list[str]:
    """Cut a text into pieces by a pattern's name; joined, they are the text.

    >>> cut("in 2024\\n\\n  now", "gpt4")
    ['in', ' ', '202', '4', '\\n\\n', ' ', ' now']
    """
    pieces: list[str] = regex.findall(pattern_named(pattern), text)
    return pieces


def cut_special(text: str, special: Mapping[str, int]) -> list[str]:
    """Cut a text before and after each special token in it.

    Of several that begin at one place it is the longest.

    >>> cut_special("one<|endoftext|>two", {"<|endoftext|>": 50256})
    ['one', '<|endoftext|>', 'two']
    """
    longest_first = sorted(special, key=len, reverse=True)
    return re.split(f"({'|'.join(map(re.escape, longest_first))})", text) if special else [text]
