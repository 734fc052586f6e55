"""The expected duration of a run, by this machine's rate of matrix products."""

import time

import torch

from nextword.config import GPTConfig

MEASURED_SECONDS = 0.2
SHARE = 0.75
"""Of the products' rate, what a step reaches: the rest goes into what lies between them, and into AdamW."""


def expected_seconds(
    model: GPTConfig, tokens: int, read: int, per_step: int, dtype: torch.dtype, device: torch.device
) -> float:
    """Estimate the seconds to learn from so many tokens, `per_step` at a time, and to read others.

    A token costs two operations a parameter on the way forward, and twice as many on the way back.
    """
    operations = model.n_params * (6.0 * tokens + 2.0 * read)
    return operations / (SHARE * product_rate(model, per_step, dtype, device))


def product_rate(model: GPTConfig, rows: int, dtype: torch.dtype, device: torch.device) -> float:
    """Measure floating-point operations a second in the MLP's first product, for so many tokens at once."""
    x = torch.ones(rows, model.n_embd, dtype=dtype, device=device)
    weight = torch.ones(4 * model.n_embd, model.n_embd, dtype=dtype, device=device)
    with torch.no_grad():
        torch.nn.functional.linear(x, weight).sum().item()  # the first one sets things up
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < MEASURED_SECONDS:
            for _ in range(10):
                product = torch.nn.functional.linear(x, weight)
            product[0, 0].item()  # a GPU tells that it is done
            count += 10
    return 2.0 * rows * weight.numel() * count / spent
