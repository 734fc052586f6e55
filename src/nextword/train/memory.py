"""How much memory a run needs, and what to lower where there is less."""

import torch

from nextword.model import GPTConfig
from nextword.runtime import readable_size

PROCESS = 350 * 2**20  # Python, PyTorch and the tokenizer


def training_memory(model: GPTConfig, batch_size: int, window: int, dtype: torch.dtype) -> int:
    """Bytes that training takes at its peak, about.

    A parameter takes 4 each for itself, its gradient, AdamW's two moments and
    the best weights so far, and 2 more for its copy where products are in
    bfloat16. A token takes for its logits, their gradient and the loss's
    working copies 16 a vocabulary entry, and for what the backward pass must
    remember about 34 C numbers and, in attention, a little, a layer.
    """
    half = dtype != torch.float32
    per_parameter = 20 + 2 * half
    per_token = 16 * model.n_vocab + model.n_layer * 34 * model.n_embd * (3 if half else 4)
    return PROCESS + per_parameter * model.n_params + batch_size * window * per_token


def shortage(model: GPTConfig, batch_size: int, window: int, dtype: torch.dtype, free: int | None) -> str | None:
    """Why a run will not fit into `free` bytes, and what would; None where it fits, or where that is unknown."""
    needed = training_memory(model, batch_size, window, dtype)
    if free is None or needed <= free:
        return None
    return (
        f"Training needs about {readable_size(needed)} of memory, and {readable_size(free)} is free. "
        f"{remedy(model, batch_size, window, dtype, free)}"
    )


def out_of_memory(model: GPTConfig, batch_size: int, window: int, dtype: torch.dtype, free: int | None) -> str:
    """What to say when memory has run out, whatever was expected: the setting to lower, and a value that fits."""
    needed = training_memory(model, batch_size, window, dtype)
    limit = min(free or needed, needed) - 1  # it did not fit, so less than that has to be aimed at
    return (
        f"Memory ran out: --batch-size {batch_size} with --window {window} needs about {readable_size(needed)}. "
        f"{remedy(model, batch_size, window, dtype, limit)}"
    )


def ran_out(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on a CPU (where it is a mere RuntimeError) or a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def remedy(model: GPTConfig, batch_size: int, window: int, dtype: torch.dtype, free: int) -> str:
    """The setting to lower, with the largest power of two that fits into `free` bytes."""
    for smaller in powers_of_two_below(batch_size):
        if training_memory(model, smaller, window, dtype) <= free:
            return f"Use --batch-size {smaller}, and a higher --accumulate to make up for it."
    for shorter in powers_of_two_below(window):
        if training_memory(model, 1, shorter, dtype) <= free:
            return f"Use --batch-size 1 --window {shorter}."
    return "Use --model nano, or a machine with more memory."


def powers_of_two_below(value: int) -> list[int]:
    """..., 4, 2, 1: those below the value, largest first."""
    return [1 << i for i in reversed(range((value - 1).bit_length()))]
