"""Tokens as text, in tables and plots."""

from collections.abc import Iterable

from nextword.tokenizer.vocab import N_VOCAB, token_bytes

MARKS = {"\n": "↵", "\r": "␍", "\t": "⇥"}


def token_text(id: int, n_vocab: int = N_VOCAB) -> str:
    """Write a token on one line, with marks for line breaks, tabs and incomplete characters.

    Of a model with another vocabulary than GPT-2's the ids themselves.

    >>> token_text(262)
    ' the'
    >>> token_text(198)
    '↵'
    """
    if n_vocab != N_VOCAB:
        return str(id)
    text = token_bytes(id).decode("utf-8", errors="replace")
    return "".join(MARKS.get(c, c if c.isprintable() else "�") for c in text)


def token_texts(ids: Iterable[int], n_vocab: int = N_VOCAB) -> list[str]:
    """Write each of these tokens on one line."""
    return [token_text(int(id), n_vocab) for id in ids]
