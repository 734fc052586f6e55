from nextword.tokenizer.bpe import encode_piece, split
from nextword.tokenizer.vocab import END_OF_TEXT, END_OF_TEXT_ID


def encode(text: str, allow_special: bool = False) -> list[int]:
    """@encode"""
    ...
