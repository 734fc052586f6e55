"""Whether everything computes the same, nearly: asked before anything is timed."""

import math

import numpy as np
import torch
from torch import Tensor

from benchmarks.gpu.models import fresh_model, random_ids
from benchmarks.gpu.plan import SAMPLING
from benchmarks.gpu.run import Run
from benchmarks.gpu.training import training_loss
from nextword.decode import Sampling, TorchEngine
from nextword.decode.choose import choose
from nextword.model import GPT, plain
from nextword.train.low_precision import LowPrecisionCopy


def check_numerics(run: Run) -> None:
    """fused = plain; a cache and graphs = neither; an update in bf16 = one in float32, nearly."""
    T = min(256, run.plan.config.n_ctx)
    ids = random_ids(run, 2, T).to(run.device)
    reference = fresh_model(run, ops=plain)
    model = fresh_model(run)
    with torch.inference_mode():
        exact = reference(ids)
        apart = relative(model(ids), exact)
        run.check(f"logits, float32: fused and plain are {apart:.1e} apart", apart < 1e-4)
        apart = relative(fresh_model(run).bfloat16()(ids), exact)
        run.check(f"logits: fused in bfloat16 and plain in float32 are {apart:.1e} apart", apart < 0.05)
    ways = {by for _, by in run.plan.writing}
    for rows, by in ((rows, by) for rows in (1, 3) for by in sorted(ways)):
        with run.attempt(f"check of {rows} rows by {by}"):
            check_writing(run, model, rows, by)
    check_update(run, reference, model)


def check_writing(run: Run, model: GPT, rows: int, by: str) -> None:
    """Rows of different lengths, greedy and drawn, against a pass over the whole text for every token."""
    engine = TorchEngine(model, rows, compiled=by == "compile")
    lengths = [1 + 5 * row for row in range(rows)]
    texts = [random_ids(run, length).tolist() for length in lengths]
    wrong = 0
    for sampling in (Sampling(temperature=0), SAMPLING):
        numbers = np.random.default_rng(0).random((10, rows))
        for row, text in enumerate(texts):
            engine.read(row, text)
        written = engine.write(range(rows), sampling, numbers)
        for row, text in enumerate(texts):
            so_far = list(text)
            for number, id in zip(numbers[:, row], written[:, row].tolist(), strict=True):
                with torch.inference_mode():
                    logits = model(torch.tensor([so_far], device=run.device))[:, -1]
                    drawn = choose(sampling, logits, torch.tensor([number], dtype=torch.float64, device=run.device))
                # In random weights two tokens may be as good as equally likely, or a number fall on a border.
                wrong += int(drawn) != id
                so_far.append(id)
    run.check(f"{rows} rows by {by}: {wrong} of {20 * rows} tokens differ from those without a cache", wrong <= rows)


def check_update(run: Run, reference: GPT, model: GPT) -> None:
    """The loss and the gradient of one batch: as in training, and written out in float32."""
    T = min(256, run.plan.config.n_ctx)
    x, y = random_ids(run, 2, 2, T).to(run.device)
    exact = plain.cross_entropy(reference(x), y)
    exact.backward()
    working = LowPrecisionCopy(model, torch.bfloat16)
    loss = training_loss(working, run.device)(x, y)
    loss.backward()
    working.gather()
    pairs = list(zip(working.masters, reference.parameters(), strict=True))
    dot, ours, theirs = (
        sum(float((a.grad.double() * b.grad.double()).sum()) for a, b in chosen)  # type: ignore[union-attr]
        for chosen in (pairs, [(a, a) for a, _ in pairs], [(b, b) for _, b in pairs])
    )
    cosine, length = dot / math.sqrt(ours * theirs), math.sqrt(ours / theirs)
    run.check(f"loss: {loss.item():.4f} in bfloat16, {exact.item():.4f} in float32", abs(loss - exact).item() < 0.02)
    run.check(
        f"gradient: cosine {cosine:.5f}, length {length:.4f} of float32's", cosine > 0.99 and abs(length - 1) < 0.03
    )


def relative(a: Tensor, b: Tensor) -> float:
    """How far a is from b, as a share of b's own length."""
    return ((a.double() - b.double()).norm() / b.double().norm()).item()
