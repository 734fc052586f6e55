from nextword.tokenizer.bpe import encode_piece, split
from nextword.tokenizer.vocab import END_OF_TEXT, END_OF_TEXT_ID


def encode(text, allow_special=False):
    """From the end: whatever stands after the last mark, then the mark, then the rest."""
    if allow_special and END_OF_TEXT in text:
        before, after = text.rsplit(END_OF_TEXT, maxsplit=1)
        return (*encode(before, True), END_OF_TEXT_ID, *encode(after))
    ids = ()
    for piece in split(text):
        ids = ids + tuple(encode_piece(bytes(piece, "utf-8")))
    return ids
