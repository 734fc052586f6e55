"""The state of PyTorch's random numbers, to be kept and put back."""

import torch
from torch import Tensor


def random_state() -> dict[str, Tensor]:
    """Where PyTorch's global generators are: the CPU's, and the GPU's where there is one."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Tensor]) -> None:
    """Put the generators back to where `random_state` found them."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"])
