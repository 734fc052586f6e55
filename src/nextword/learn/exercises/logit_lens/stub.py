import torch
from nextword.model import GPT
from torch import Tensor


def logit_lens(model: GPT, ids: Tensor) -> Tensor:
    """@logit_lens"""
    ...
