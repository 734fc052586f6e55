"""A forecast of a training: time, memory, and the batch that fits."""

from dataclasses import dataclass

import torch

from nextword.bench.gpus import Gpu
from nextword.bench.limits import training_flops
from nextword.config import GPTConfig
from nextword.train.memory import BEST, memory_parts

USABLE = 0.92
"""Of a GPU's memory, what a program gets: the rest is the driver's, and lost between blocks."""

MOST_WINDOWS = 512


@dataclass(frozen=True)
class Forecast:
    """A training's cost. rate: tokens a second of all processors; parts: bytes of memory in each of them.

    fits: the most windows side by side, a power of two, that its memory has room for; 0 where one is too many.
    """

    operations: float
    rate: float
    seconds: float
    parts: dict[str, int]
    memory: float
    fits: int


def forecast(
    model: GPTConfig,
    tokens: float,
    window: int,
    batch_size: int | None,
    dtype: torch.dtype,
    device: torch.device,
    peak: float,
    share: float,
    memory: float,
    count: int = 1,
) -> Forecast:
    """Forecast a training on `count` processors with such a peak rate and memory each.

    batch_size: the windows side by side in each; None takes the most that fit.
    """
    fits = largest_batch(model, window, dtype, device, memory)
    per_token = training_flops(model, window)
    rate = count * share * peak / per_token
    parts = memory_on(device, model, batch_size or max(1, fits), window, dtype)
    return Forecast(per_token * tokens, rate, tokens / rate, parts, memory, fits)


def memory_on(
    device: torch.device, model: GPTConfig, batch_size: int, window: int, dtype: torch.dtype
) -> dict[str, int]:
    """Estimate the parts of the memory that training takes on a device."""
    parts = memory_parts(model, batch_size, window, dtype, device)
    return {name: n for name, n in parts.items() if device.type == "cpu" or name != BEST}


def largest_batch(model: GPTConfig, window: int, dtype: torch.dtype, device: torch.device, memory: float) -> int:
    """Find the largest power of two of windows that fits into so many bytes; 0 for none."""
    batch_size = MOST_WINDOWS
    while batch_size and sum(memory_on(device, model, batch_size, window, dtype).values()) > memory:
        batch_size //= 2
    return batch_size


def usable(gpu: Gpu) -> float:
    """Compute the bytes of a GPU's memory that a program can use."""
    return USABLE * gpu.memory
