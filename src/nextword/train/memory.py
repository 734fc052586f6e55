"""Memory of a training run, and the setting to lower where there is less."""

from dataclasses import dataclass, replace

import torch

from nextword.config import CONFIGS, GPTConfig
from nextword.model.head_loss import CPU_CHUNK, GPU_CHUNK
from nextword.native import library
from nextword.runtime import readable_size

CPU = torch.device("cpu")
PROCESS = 520 * 2**20  # Python, PyTorch, the tokenizer, the picture, and what glibc never fills again


BEST = "the best weights so far"
"""The part of the memory that is in the machine's, also where training is on a GPU."""

WHOLE = "embeddings and two blocks, whole"
"""The part that a sharded model adds."""


@dataclass(frozen=True)
class TrainingSize:
    """What a training's memory depends on, on one rank.

    batch_size and window: what is read at once. accumulate: how often, for each update. shards: the ranks that share
    the model. recompute: see `low_precision.recompute_blocks`.
    """

    model: GPTConfig
    batch_size: int
    window: int
    dtype: torch.dtype
    device: torch.device = CPU
    accumulate: int = 1
    shards: int = 1
    recompute: bool = False
    optimizer: str = "adamw"


def training_memory(size: TrainingSize) -> int:
    """Estimate the bytes of training at its peak, never below what was measured on a CPU."""
    return sum(memory_parts(size).values())


def memory_parts(size: TrainingSize) -> dict[str, int]:
    """Estimate the bytes of each part of what training keeps, at its peak.

    A parameter takes 20: 4 each for itself, AdamW's two moments and the best
    weights so far, and 4 for its gradient and its working copy together; and 4
    more where gradients in bfloat16 are gathered in float32, over several
    batches or for PyTorch's AdamW. The head needs a chunk of logits, a second
    gradient of the embedding, and one to add the chunks' up in where there are
    several. A token takes what the way back must remember: 17 C numbers a
    layer. Without our own kernels, which only a CPU has, PyTorch's keep more:
    four times the chunk of logits; and with dropout, except on a CUDA GPU, all
    attention weights, before and after, 10 for each of the window's tokens, a
    head and a layer.

    Of a sharded model a rank keeps its part of the parameters, gradients and moments in float32, the embeddings and
    their gradient whole, and in the products' format two blocks, the one that computes and the next, with one's
    gradient.

    Source: our own measurements, which tests/train/test_memory.py lists.
    """
    model, dtype, device = size.model, size.dtype, size.device
    n_tokens = size.batch_size * size.window
    number = 4 if dtype == torch.float32 else 3  # in bfloat16 half of them take 2
    ours = device.type == "cpu" and library() is not None
    gathered = dtype != torch.float32 and (size.accumulate > 1 or not ours)
    chunk = CPU_CHUNK if device.type == "cpu" else GPU_CHUNK
    logits = n_tokens * model.n_vocab * dtype.itemsize
    embedding = model.n_vocab * model.n_embd
    head = min(logits, chunk) + embedding * dtype.itemsize + (4 * embedding if logits > chunk else 0)
    per_token = model.n_layer * 17 * number * model.n_embd
    if not ours:
        head += 4 * min(logits, chunk)
        per_token += model.n_layer * 10 * model.n_head * size.window if model.dropout and device.type != "cuda" else 0
    if size.recompute:  # what enters each block, and the inside of one
        per_token = per_token // model.n_layer + model.n_layer * 4 * model.n_embd
    parts = {
        "the program": PROCESS,
        "weights": 4 * model.n_params,
        "the optimizer's moments": optimizer_memory(model, size.optimizer),
        BEST: 4 * model.n_params,
        "gradients and working copies": (8 if gathered else 4) * model.n_params,
        "the head's logits and gradients": head,
        "activations for the way back": n_tokens * per_token,
    }
    if size.shards == 1:
        return parts
    for name in ("weights", "the optimizer's moments"):
        parts[name] //= size.shards
    parts["gradients and working copies"] = 4 * model.n_params // size.shards
    block = 12 * model.n_embd**2
    parts[WHOLE] = 8 * (model.n_vocab + model.n_ctx) * model.n_embd + block * (3 * dtype.itemsize + 4)
    return parts


def optimizer_memory(model: GPTConfig, optimizer: str) -> int:
    """Compute the bytes of what an optimizer remembers.

    AdamW, MARS and SOAP keep two moments of each number, Muon one of a matrix's, and MARS the last gradient besides.
    SOAP has two square matrices for each side of a matrix.
    """
    side = model.n_embd**2
    matrices = model.n_layer * 12 * side
    squares = model.n_layer * 2 * side * (4 * 2 + 2 * (16 + 1))  # four of C by C, two of C by 4 C
    more = {"muon": -matrices, "mars": matrices, "soap": squares}
    return 4 * (2 * model.n_params + more.get(optimizer, 0))


def shortage(size: TrainingSize, free: int | None) -> str | None:
    """Describe why a run will not fit into `free` bytes; None where it fits or nobody knows."""
    needed = training_memory(size)
    if free is None or needed <= free:
        return None
    return (
        f"Training needs about {readable_size(needed)} of memory, and {readable_size(free)} is free. "
        f"{remedy(size, free)}"
    )


def out_of_memory(size: TrainingSize, free: int | None) -> str:
    """Describe running out of memory: the setting to lower, and a value that fits."""
    needed = training_memory(size)
    limit = min(free or needed, needed) - 1  # it did not fit, so less than that has to be aimed at
    return (
        f"Memory ran out: `batch_size={size.batch_size}` with `window={size.window}` needs about "
        f"{readable_size(needed)}. {remedy(size, limit)}"
    )


def ran_out(error: BaseException) -> bool:
    """Whether an error means out of memory, on a CPU (a mere RuntimeError) or a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    words = ("allocate memory", "out of memory", "ALLOC_FAILED", "bad_alloc")  # CPU, MPS, cuBLAS, C++
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def remedy(size: TrainingSize, free: int) -> str:
    """Name the setting to lower, with the largest power of two that fits into `free` bytes."""

    def fits(**changes: int) -> bool:
        return training_memory(replace(size, **changes)) <= free  # type: ignore[arg-type]

    for factor, then in ((2, ", and a higher `accumulate` to make up for it"), (1, "")):
        for smaller in powers_of_two_below(size.batch_size):
            if fits(batch_size=smaller, accumulate=factor * size.accumulate):
                return f"Use `batch_size={smaller}`{then}."
    for shorter in powers_of_two_below(size.window):
        if fits(batch_size=1, window=shorter):
            return f"Use `batch_size=1` and `window={shorter}`."
    nano = "`model='nano'`, or " if size.model.n_params > CONFIGS["nano"].n_params else ""
    return f"Use {nano}a machine with more memory."


def powers_of_two_below(value: int) -> list[int]:
    """List the powers of two below a value, largest first."""
    return [1 << i for i in reversed(range((value - 1).bit_length()))]
