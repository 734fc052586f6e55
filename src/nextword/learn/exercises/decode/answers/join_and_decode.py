from nextword.tokenizer.vocab import END_OF_TEXT_ID, load_tokens, to_printable, token_bytes


def decode(ids):
    data = b"".join(token_bytes(i) for i in ids)
    #~ joined-with-spaces: data = b" ".join(token_bytes(i) for i in ids)
    #~ token-by-token: return "".join(token_bytes(i).decode("utf-8", errors="replace") for i in ids)
    #~ a-list-of-texts: return [token_bytes(i).decode("utf-8", errors="replace") for i in ids]
    #~ printable-form: return "".join(to_printable(token_bytes(i)) for i in ids)
    #~ mark-left-out: data = b"".join(token_bytes(i) for i in ids if i != END_OF_TEXT_ID)
    #~ negative-ids: data = b"".join(load_tokens()[i] for i in ids)
    #~ unknown-ids-skipped: data = b"".join(token_bytes(i) for i in ids if 0 <= i <= 50256)
    #~ ids-as-characters: return "".join(chr(i) for i in ids)
    #~ stops-at-the-mark: ids = list(ids)
    #~ stops-at-the-mark: end = ids.index(END_OF_TEXT_ID) if END_OF_TEXT_ID in ids else len(ids)
    #~ stops-at-the-mark: data = b"".join(token_bytes(i) for i in ids[:end])
    return data.decode("utf-8", errors="replace")
    #~ errors-ignored: return data.decode("utf-8", errors="ignore")
    #~ errors-strict: return data.decode("utf-8")
    #~ latin-1: return data.decode("latin-1")
    #~ stripped: return data.decode("utf-8", errors="replace").strip()
    #~ bytes-returned: return data
