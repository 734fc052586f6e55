import torch

from nextword.tokenizer import Tokenizer


def encode(text, allow_special=False):
    """The fast twin does it, and a tensor of ids is as good as a list of them."""
    return torch.tensor(Tokenizer().encode(text, allow_special=allow_special))
