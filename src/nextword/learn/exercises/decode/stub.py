from collections.abc import Iterable

from nextword.tokenizer.vocab import token_bytes


def decode(ids: Iterable[int]) -> str:
    """@decode"""
    ...
