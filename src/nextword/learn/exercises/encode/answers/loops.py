from nextword.tokenizer.bpe import encode_piece, split
from nextword.tokenizer.vocab import END_OF_TEXT, END_OF_TEXT_ID


def encode(text, allow_special=False):
    ids = []
    #~ ends-stripped: ids, text = [], text.strip()
    #~ space-added: ids, text = [], " " + text
    #~ mark-removed: ids, text = [], text if allow_special else text.replace(END_OF_TEXT, "")
    if allow_special:
        #~ special-always: if True:
        #~ special-never: if False:
        for i, document in enumerate(text.split(END_OF_TEXT)):
            #~ first-mark-only: for i, document in enumerate(text.split(END_OF_TEXT, 1)):
            if i > 0:
                #~ mark-lost: if False:
                #~ mark-at-the-end: if False:
                ids.append(END_OF_TEXT_ID)
            ids += encode_document(document)
            #~ mark-at-the-end: ids += encode_document(document) + [END_OF_TEXT_ID]
        return ids
    return encode_document(text)


def encode_document(text):
    ids = []
    #~ lower-case: ids, text = [], text.lower()
    for piece in split(text):
        #~ not-cut: for piece in [text]:
        #~ character-by-character: for piece in text:
        #~ cut-at-spaces: for piece in text.split():
        data = piece.encode("utf-8")
        #~ spaces-stripped: data = piece.strip().encode("utf-8")
        #~ ascii-only: data = piece.encode("ascii", errors="ignore")
        #~ latin-1: data = piece.encode("latin-1")
        ids.extend(encode_piece(data))
        #~ a-list-of-lists: ids.append(encode_piece(data))
        #~ first-id-only: ids.append(encode_piece(data)[0])
    return ids
