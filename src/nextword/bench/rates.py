"""What the machine can do at best: numbers multiplied and bytes read in a second.

Measured with PyTorch's own kernels at GPT-2's shapes. A program may be faster than them, and then has more than
100% of the limit; the limit is a measuring stick, and no law.
"""

import time
from collections.abc import Callable

import torch

ENOUGH = 0.15  # seconds that one measurement lasts at least
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Meter:
    """Measures the machine; a `Worker` runs it, so that it shares nothing with what is measured beside it."""

    def gemm(self, dtype: str, width: int, n_tokens: int) -> float:
        """Floating-point operations a second, in the matrix products of a GPT-2 block of this width at so many tokens.

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
        """Bytes a second, when a buffer of so many bytes is read again and again, from its beginning to its end.

        A small buffer stays in a cache, a large one comes from memory each time.
        """
        buffer = torch.ones(max(1, int(n_bytes) // 4))
        return 4 * buffer.numel() / fastest(buffer.sum)


@torch.inference_mode()
def fastest(work: Callable[[], object]) -> float:
    """The seconds that some work takes when nothing disturbs it: the least of several runs, after one to warm up."""
    work()
    seconds: list[float] = []
    while sum(seconds) < ENOUGH or len(seconds) < 5:
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
