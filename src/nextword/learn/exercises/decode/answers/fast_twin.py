from nextword.tokenizer import Tokenizer


def decode(ids):
    return Tokenizer().decode(ids)
