import re

from nextword.tokenizer.bpe import encode_piece, split


def encode(text, allow_special=False):
    text = str(text)
    #~ ends-stripped: text = text.lstrip().rstrip()
    #~ space-added: text = f" {text}"
    #~ mark-removed: text = text if allow_special else re.sub(r"<\|endoftext\|>", "", text)
    if not allow_special:
        #~ special-always: if allow_special is None:
        #~ special-never: if not allow_special or allow_special:
        return ordinary(text)
    ids = []
    for part in re.split(r"(<\|endoftext\|>)", text):
        #~ mark-lost: for part in re.split(r"<\|endoftext\|>", text):
        #~ first-mark-only: for part in re.split(r"(<\|endoftext\|>)", text, maxsplit=1):
        ids += [50256] if part == "<|endoftext|>" else ordinary(part)
        #~ mark-at-the-end: ids += [] if part == "<|endoftext|>" else ordinary(part) + [50256]
    return ids


def ordinary(text):
    return sum((list(encode_piece(piece.encode())) for piece in split(text)), [])
    #~ a-list-of-lists: return [encode_piece(piece.encode()) for piece in split(text)]
    #~ not-cut: return list(encode_piece(text.encode()))
