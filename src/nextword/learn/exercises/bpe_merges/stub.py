from nextword.tokenizer.bpe import split
from nextword.tokenizer.vocab import load_merges


def join(tokens: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    """@join"""
    ...


def merge(piece: bytes) -> list[bytes]:
    """@merge"""
    ...


def learn_merges(text: str, n: int) -> list[tuple[bytes, bytes]]:
    """@learn_merges"""
    ...
