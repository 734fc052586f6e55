"""Tokens as text, in tables and plots."""

from collections.abc import Iterable

from nextword.model import GPT
from nextword.tokenizer.vocab import GPT2, N_VOCAB, Vocabulary

MARKS = {"\n": "↵", "\r": "␍", "\t": "⇥"}


def vocabulary_of(model: GPT) -> Vocabulary | None:
    """Find a model's vocabulary: GPT-2's where it does not say, and has as many ids."""
    said: Vocabulary | None = model.vocabulary
    return said or (GPT2 if model.config.n_vocab == N_VOCAB else None)


def token_text(id: int, vocabulary: Vocabulary | None = GPT2) -> str:
    """Write a token on one line, with marks for line breaks, tabs and incomplete characters.

    Without a vocabulary, and beyond its ids, the id itself.

    >>> token_text(262)
    ' the'
    >>> token_text(198)
    '↵'
    """
    if vocabulary is None or id >= vocabulary.n_vocab:
        return str(id)
    text = vocabulary.token_bytes(id).decode("utf-8", errors="replace")
    return "".join(MARKS.get(c, c if c.isprintable() else "�") for c in text)


def token_texts(ids: Iterable[int], vocabulary: Vocabulary | None = GPT2) -> list[str]:
    """Write each of these tokens on one line."""
    return [token_text(int(id), vocabulary) for id in ids]
