import codecs

from nextword.tokenizer.vocab import token_bytes


def decode(ids):
    """A decoder that keeps half a character until its other half comes."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    #~ errors-ignored: decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
    #~ errors-strict: decoder = codecs.getincrementaldecoder("utf-8")(errors="strict")
    text = [decoder.decode(token_bytes(int(id))) for id in ids]
    text.append(decoder.decode(b"", final=True))
    return "".join(text)
    #~ stripped: return "".join(text).strip()
