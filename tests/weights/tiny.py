"""What the tests of this room compare with: transformers' GPT-2, small and random in every number."""

import torch
from transformers import GPT2Config, GPT2LMHeadModel

TINY = GPT2Config(vocab_size=61, n_positions=16, n_embd=12, n_head=3, n_layer=2)


def randomise(model: GPT2LMHeadModel, seed: int = 3, std: float = 0.4) -> GPT2LMHeadModel:
    """Random numbers everywhere, biases and LayerNorms included, so that no tensor may be lost unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(std=std, generator=generator)
            if "ln_" in name and name.endswith("weight"):
                parameter += 1
    return model.eval()
