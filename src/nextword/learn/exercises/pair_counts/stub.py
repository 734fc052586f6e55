from nextword.tokenizer.bpe import join


def recount(
    counts: dict[tuple[bytes, bytes], int], word: list[bytes], pair: tuple[bytes, bytes], times: int
) -> list[bytes]:
    """@recount"""
    ...
