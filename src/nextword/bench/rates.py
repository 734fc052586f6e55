"""The machine's best rates: matrix products and memory reads in a second.

Measured with PyTorch's own kernels at GPT-2's shapes. A program may be faster than them, and then has more than
100% of the limit; the limit is a measuring stick, and no law.
"""

import time
from collections.abc import Callable

import torch

ENOUGH = 0.15  # seconds that one measurement lasts at least
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Meter:
    """The machine as a measured program, in a `Worker` of its own."""

    def gemm(self, dtype: str, width: int, n_tokens: int) -> float:
        """Measure the operations a second in the matrix products of a block of this width.

        A product of (T, a) and (a, b) counts 2 T a b.
        """
        shapes = ((width, 3 * width), (width, width), (width, 4 * width), (4 * width, width))
        inputs = {n_in: torch.randn(n_tokens, n_in).to(DTYPES[dtype]) for n_in, _ in shapes}
        # (out, in), as nn.Linear keeps its weight
        weights = [(inputs[n_in], torch.randn(n_out, n_in).to(DTYPES[dtype])) for n_in, n_out in shapes]

        def block() -> None:
            for x, weight in weights:
                torch.nn.functional.linear(x, weight)

        return sum(2 * n_tokens * n_in * n_out for n_in, n_out in shapes) / fastest(block)

    def read(self, n_bytes: float) -> float:
        """Measure the bytes read a second from a buffer of so many bytes.

        A small buffer stays in a cache, a large one comes from memory each time.
        """
        buffer = torch.ones(max(1, int(n_bytes) // 4))
        return 4 * buffer.numel() / fastest(buffer.sum)


@torch.inference_mode()
def fastest(work: Callable[[], object]) -> float:
    """Measure the least seconds of several runs of some work, after one to warm up."""
    work()
    seconds: list[float] = []
    while sum(seconds) < ENOUGH or len(seconds) < 5:
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
