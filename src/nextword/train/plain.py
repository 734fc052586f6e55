"""Training as one would write it on a blackboard: nine functions, for any model with `forward(ids) -> logits`.

`Trainer` makes the same steps, faster, and keeps what a run leaves behind.
`schedule.py` has more curves; what AdamW is given is in `optimizer.py`.
"""

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nextword.model.plain import cross_entropy

Batch = tuple[Tensor, Tensor]
"""ids (B, T) and targets (B, T): the tokens that follow."""


def learning_rate(step: int, steps: int, warmup: int, peak: float, floor: float = 0.1) -> float:
    """Compute the learning rate of one update: a straight rise to the peak, then half a cosine down.

    step counts from 0 to steps - 1. The first update already moves, by
    peak / warmup; update number `warmup` is the first at the peak's full
    height, and the last one has `floor` times the peak.

    Source: Loshchilov and Hutter, "SGDR" (2017), equation 5; warm-up and the
    floor of a tenth as in Brown et al. (2020), appendix B.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - 1 - warmup)  # 0 at the peak, 1 at the last step
    return peak * (floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress)))


def gradient_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, micro_batches: Sequence[Batch], clip: float
) -> float:
    """Update the weights once, by the mean gradient of several small batches; return their mean loss.

    micro_batches: pairs of ids and targets (B, T), all of one size, so that they
    do what one large batch would. All parameters' gradients together are one
    long vector: where its length exceeds `clip`, it is shortened to that length.

    Source: Pascanu et al., "On the difficulty of training recurrent neural
    networks" (2013), algorithm 1.
    """
    optimizer.zero_grad()
    total = 0.0
    for ids, targets in micro_batches:
        loss = cross_entropy(model(ids), targets) / len(micro_batches)
        loss.backward()  # adds to the gradients that are there
        total += loss.item()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    length = math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))
    if length > clip:
        for gradient in gradients:
            gradient *= clip / length
    optimizer.step()
    return total


def unscale(gradients: Sequence[Tensor], scale: float, steps: int) -> tuple[list[Tensor] | None, float, int]:
    """Divide the gradients of a scaled loss by the scale, and choose the next step's scale.

    gradients: of `scale` times the loss, in float16. steps: how many were made
    since the scale last changed. -> the gradients in float32, or None where one
    has overflowed and the step is to be skipped; the next scale; and the next steps.

    Source: Micikevicius et al., "Mixed Precision Training" (2018), section 3.2;
    2,000 steps are PyTorch's choice.
    """
    if not all(gradient.isfinite().all() for gradient in gradients):
        return None, scale / 2, 0
    unscaled = [gradient.float() / scale for gradient in gradients]
    return (unscaled, scale, steps + 1) if steps + 1 < 2000 else (unscaled, scale * 2, 0)


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[Batch],
    steps: int,
    warmup: int,
    peak: float,
    *,
    clip: float = 1.0,
    start: int = 0,
) -> list[float]:
    """Train on one batch after another; return each one's loss, measured before the update.

    batches: pairs of ids and targets (B, T); there may be more than are needed.
    steps, warmup, peak: the learning rate's curve, which every update follows,
    whatever rate the optimizer came with. start: how many updates were made
    before, in a run that is taken up again; `steps` is the length of the whole
    run. The model is in training mode meanwhile.
    """
    model.train()
    losses = []
    for step, batch in zip(range(start, steps), batches, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, warmup, peak)
        losses.append(gradient_step(model, optimizer, [batch], clip))
    return losses


def parallel_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    ids: Tensor,
    targets: Tensor,
    clip: float,
    *,
    rank: int,
    ranks: int,
    all_reduce: Callable[[Tensor], None],
) -> float:
    """Make one rank's part of an update by several processes; return the batch's mean loss.

    Each process (rank 0 to ranks - 1) has a model of its own with the same weights,
    and calls this with the same batch, ids and targets (B, T), of which it reads B / ranks
    rows. all_reduce(x) puts the sum of all ranks' x into each one's x, and comes back
    when all have called it.

    Source: Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel
    Training" (2020), section 3.
    """
    share = len(ids) // ranks
    own = slice(rank * share, (rank + 1) * share)
    optimizer.zero_grad()
    loss = cross_entropy(model(ids[own]), targets[own])
    loss.backward()
    mean_loss = loss.detach().clone()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    for x in (*gradients, mean_loss):
        all_reduce(x)
        x /= ranks
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)  # the mean's length, equal on all ranks
    optimizer.step()
    return mean_loss.item()


def orthogonal(matrix: Tensor) -> Tensor:
    """Bring a matrix's singular values near 1: U S V' -> about U V', by five Newton-Schulz iterations.

    (m, n) -> (m, n). Each iteration takes every singular value s to
    3.4445 s - 4.775 s^3 + 2.0315 s^5, by products of matrices alone.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024).
    """
    X = matrix / (matrix.norm() + 1e-7)  # now no singular value is above 1
    for _ in range(5):
        A = X @ X.T
        X = 3.4445 * X + (-4.775 * A + 2.0315 * A @ A) @ X
    return X


def muon_step(weight: Tensor, gradient: Tensor, momentum: Tensor, lr: float) -> None:
    """Move a matrix and its momentum by one step of Muon.

    weight, gradient, momentum: (m, n). weight and momentum are changed; momentum is
    zeros at first, and kept from step to step.

    Source: as `orthogonal`; the factor 0.2, which makes the steps as long as AdamW's:
    Liu et al., "Muon is Scalable for LLM Training" (2025), equation 4.
    """
    momentum.mul_(0.95).add_(0.05 * gradient)
    ahead = 0.05 * gradient + 0.95 * momentum  # where the momentum will be: Nesterov's
    weight.sub_(lr * 0.2 * math.sqrt(max(weight.shape)) * orthogonal(ahead))


def save_state(model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> dict[str, Any]:
    """Copy all that a run needs to go on after `step` updates as if it had never stopped.

    That is the weights, the optimizer's moments and settings, the state of
    torch's random numbers (dropout draws from them), and the step. All are
    copies: training on changes none of them.
    """
    return {
        "model": copy.deepcopy(model.state_dict()),  # a state_dict holds the weights themselves, not copies
        "optimizer": copy.deepcopy(optimizer.state_dict()),
        "random": torch.get_rng_state(),
        "step": step,
    }


def load_state(state: dict[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Restore a run from what `save_state` copied; return the number of updates made until then.

    model and optimizer: the same ones, or new ones of the same kind.
    """
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))  # it goes on in the very tensors that it is given
    torch.set_rng_state(state["random"])
    step: int = state["step"]
    return step
