"""What the GPU can do: the rates that all limits are worked out from."""

import time
from collections.abc import Callable

import torch

from benchmarks.gpu.run import Run
from nextword.bench.limits import decode_bytes, decode_flops, training_flops

PRODUCTS, MEMORY = "matrix products in bfloat16", "memory, read and written"


def measure_device(run: Run) -> None:
    """Products of large squares in bfloat16, in operations a second, and copies of a large buffer, in bytes."""
    n, n_bytes = run.plan.gemm_width, run.plan.copy_bytes
    a, b = (torch.randn(n, n, device=run.device).bfloat16() for _ in range(2))
    run.rate(PRODUCTS, 2 * n**3 / fastest(lambda: a @ b, run.device))
    source = torch.ones(n_bytes // 4, device=run.device)
    target = torch.empty_like(source)
    run.rate(MEMORY, 2 * n_bytes / fastest(lambda: target.copy_(source), run.device))


def fastest(work: Callable[[], object], device: torch.device, runs: int = 20) -> float:
    """The seconds that some work takes at best."""
    seconds = []
    for _ in range(runs + 3):
        wait(device)
        began = time.perf_counter()
        for _ in range(4):
            work()
        wait(device)
        seconds.append((time.perf_counter() - began) / 4)
    return min(seconds[3:])


def wait(device: torch.device) -> None:
    """Until the GPU has done all that it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def training_limit(run: Run, window: int) -> float:
    """Tokens a second if nothing but products took time: 6 N + 12 L T C operations each."""
    return run.findings.rate(PRODUCTS) / training_flops(run.plan.config, window)


def writing_limit(run: Run, rows: int) -> float:
    """Tokens a second if every weight, key and value were read once a step, or every product done at the full rate."""
    plan = run.plan
    visible = plan.prompt_tokens + plan.new_tokens / 2
    reading = decode_bytes(plan.config, "bfloat16", visible, rows) / run.findings.rate(MEMORY)
    counting = rows * decode_flops(plan.config, visible) / run.findings.rate(PRODUCTS)
    return rows / max(reading, counting)
