from itertools import chain

from nextword.tokenizer.bpe import encode_piece, split
from nextword.tokenizer.vocab import END_OF_TEXT, END_OF_TEXT_ID


def encode(text: str, allow_special: bool = False) -> list[int]:
    if allow_special and END_OF_TEXT in text:
        #~ special-always: if END_OF_TEXT in text:
        #~ special-never: if allow_special and END_OF_TEXT_ID == 0:
        before, _, after = text.partition(END_OF_TEXT)
        return encode(before) + [END_OF_TEXT_ID] + encode(after, allow_special=True)
        #~ mark-lost: return encode(before) + encode(after, allow_special=True)
        #~ first-mark-only: return encode(before) + [END_OF_TEXT_ID] + encode(after)
    words = split(text)
    #~ not-cut: words = (text,)
    #~ character-by-character: words = list(text)
    #~ cut-at-spaces: words = text.split()
    #~ lower-case: words = split(text.lower())
    tokens = (encode_piece(bytes(word, "utf8")) for word in words)
    #~ spaces-stripped: tokens = (encode_piece(bytes(word.strip(), "utf8")) for word in words)
    #~ ascii-only: tokens = (encode_piece(bytes(c for c in map(ord, word) if c < 128)) for word in words)
    #~ latin-1: tokens = (encode_piece(bytes(ord(c) for c in word)) for word in words)
    return list(chain.from_iterable(tokens))
    #~ first-id-only: return [first for first, *_ in tokens]
    #~ a-list-of-lists: return [list(token) for token in tokens]
    #~ mark-at-the-end: return [*chain.from_iterable(tokens)] + [END_OF_TEXT_ID] * allow_special
