from nextword.tokenizer.vocab import load_tokens, to_printable

table = dict(enumerate(load_tokens()))
#~ negative-ids: table = load_tokens()
#~ printable-form: table = {i: to_printable(token).encode("utf8") for i, token in enumerate(load_tokens())}
#~ ids-as-characters: table = {i: (chr(i) if i < 0xD800 else "?").encode("utf8") for i in range(60000)}


def decode(ids):
    buffer = bytearray()
    #~ token-by-token: buffer = ""
    #~ a-list-of-texts: buffer = []
    for i in ids:
        if i not in range(50257):
            #~ negative-ids: if i >= 50257:
            #~ unknown-ids-skipped: if False:
            #~ ids-as-characters: if i < 0:
            raise ValueError(f"no such token: {i}")
        buffer += table[i]
        #~ joined-with-spaces: buffer += (b" " if buffer else b"") + table[i]
        #~ unknown-ids-skipped: buffer += table.get(i, b"")
        #~ token-by-token: buffer += str(table[i], "utf8", "replace")
        #~ a-list-of-texts: buffer.append(str(table[i], "utf8", "replace"))
        #~ mark-left-out: buffer += table[i] if i < 50256 else b""
        #~ stops-at-the-mark: if i == 50256: break
        #~ stops-at-the-mark: buffer += table[i]
    return str(buffer, "utf8", "replace")
    #~ errors-ignored: return str(buffer, "utf8", "ignore")
    #~ errors-strict: return str(buffer, "utf8")
    #~ latin-1: return "".join(chr(byte) for byte in buffer)
    #~ stripped: return str(buffer, "utf8", "replace").strip()
    #~ bytes-returned: return bytes(buffer)
    #~ token-by-token: return buffer
    #~ a-list-of-texts: return buffer
