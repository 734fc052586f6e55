"""How fast nextword and transformers learn."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.gpu.device import training_limit, wait
from benchmarks.gpu.models import fresh_model, peer, random_ids
from benchmarks.gpu.run import Run
from nextword.runtime import matmuls_in
from nextword.train.low_precision import LowPrecisionCopy
from nextword.train.optimizer import make_optimizer
from nextword.train.update import make_update

LR, DECAY, BETA2, CLIP = 6e-4, 0.1, 0.95, 1.0


def measure_training(run: Run, batch_size: int, window: int, compiled: bool) -> None:
    """Tokens a second that are learned from, with the trainer's own working copy, loss and update."""
    work, how = f"training, B={batch_size} T={window}", "compiled" if compiled else "eager"
    with run.attempt(f"{work}, {how}"):
        model = fresh_model(run).train()
        working = LowPrecisionCopy(model, torch.bfloat16)
        update = make_update(working, make_optimizer(model, LR, DECAY, BETA2), CLIP)
        compute_loss = training_loss(working, run.device)
        if compiled:
            compute_loss = torch.compile(compute_loss, fullgraph=True, dynamic=False)

        def step(x: Tensor, y: Tensor) -> None:
            loss = compute_loss(x, y)
            loss.backward()
            update(loss.detach(), LR)

        rates = training_rates(run, batch_size, window, step)
        run.add(work, f"nextword, {how}", rates, training_limit(run, window))


def training_loss(working: LowPrecisionCopy, device: torch.device) -> Callable[[Tensor, Tensor], Tensor]:
    """As the trainer computes it."""
    model = working.model

    def compute_loss(x: Tensor, y: Tensor) -> Tensor:
        with matmuls_in(torch.bfloat16, device):
            return model.ops.head_loss(model.trunk(x), model.wte.weight, y)

    return compute_loss


def measure_peer_training(run: Run, batch_size: int, window: int, compiled: bool) -> None:
    """The same by transformers' model in autocast, with fused AdamW and clipping."""
    work, how = f"training, B={batch_size} T={window}", "compiled" if compiled else "eager"
    with run.attempt(f"{work}, transformers, {how}"):
        model = peer(run).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=LR, betas=(0.9, BETA2), weight_decay=DECAY, fused=True)

        def compute_loss(x: Tensor, y: Tensor) -> Tensor:
            with matmuls_in(torch.bfloat16, run.device):
                logits = model(x).logits
            return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), y.flatten())

        loss_of = torch.compile(compute_loss, dynamic=False) if compiled else compute_loss

        def step(x: Tensor, y: Tensor) -> None:
            loss_of(x, y).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        rates = training_rates(run, batch_size, window, step)
        run.add(work, f"transformers, {how}", rates, training_limit(run, window))


def training_rates(run: Run, batch_size: int, window: int, step: Callable[[Tensor, Tensor], None]) -> list[float]:
    """Make updates on batches that come from the processor, as in a run; tokens a second, in three stretches."""
    batches = [random_ids(run, 2, batch_size, window) for _ in range(4)]
    device = run.device

    def seconds(n: int) -> float:
        wait(device)
        began = time.perf_counter()
        for i in range(n):
            x, y = batches[i % 4]
            if device.type == "cuda":
                x, y = x.pin_memory(), y.pin_memory()
            step(x.to(device, non_blocking=True), y.to(device, non_blocking=True))
        wait(device)
        return time.perf_counter() - began

    seconds(3)
    n = max(2, round(run.plan.seconds / 3 / (seconds(2) / 2)))
    return [n * batch_size * window / seconds(n) for _ in range(3)]
