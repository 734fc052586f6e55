"""The default weights of a benchmark: random, in GPT-2's shape."""

from pathlib import Path


def random_weights(directory: Path) -> str:
    """Save a GPT-2 of 124M random parameters, and its tokenizer, unless it is there already; return its path."""
    import torch

    from nextword.model import GPT, GPTConfig
    from nextword.weights import save_huggingface

    if not (directory / "model.safetensors").exists():
        torch.manual_seed(1)
        save_huggingface(GPT(GPTConfig()), directory)
    return str(directory)
