"""The weights that are measured where none are given: GPT-2's shape, random numbers, the same ones each time."""

from pathlib import Path


def random_weights(directory: Path, n_layer: int | None = None) -> str:
    """Save a GPT-2 of 124M parameters, or with fewer blocks, and its tokenizer, if need be; give back where."""
    import torch

    from nextword.model import GPT, GPTConfig
    from nextword.weights import save_huggingface

    if not (directory / "model.safetensors").exists():
        torch.manual_seed(1)
        save_huggingface(GPT(GPTConfig(n_layer=n_layer) if n_layer else GPTConfig()), directory)
    return str(directory)
