"""A forecast of a training: time, memory, and the batch that fits."""

from dataclasses import dataclass, replace

from nextword.bench.gpus import Gpu
from nextword.bench.limits import training_flops
from nextword.train.memory import BEST, TrainingSize, memory_parts

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
    size: TrainingSize, tokens: float, peak: float, share: float, memory: float, count: int = 1, fill: bool = False
) -> Forecast:
    """Forecast a training on `count` processors with such a peak rate and memory each.

    fill: take the most windows that fit, instead of the size's. To compute the blocks again on the way back takes a
    third more.
    """

    def parts_with(batch_size: int) -> dict[str, int]:
        parts = memory_parts(replace(size, batch_size=batch_size))
        return {name: n for name, n in parts.items() if size.device.type == "cpu" or name != BEST}

    fits = MOST_WINDOWS
    while fits and sum(parts_with(fits).values()) > memory:
        fits //= 2
    per_token = training_flops(size.model, size.window) * (4 / 3 if size.recompute else 1)
    rate = count * share * peak / per_token
    parts = parts_with(max(1, fits) if fill else size.batch_size)
    return Forecast(per_token * tokens, rate, tokens / rate, parts, memory, fits)


def usable(gpu: Gpu) -> float:
    """Compute the bytes of a GPU's memory that a program can use."""
    return USABLE * gpu.memory
