"""How fast GPT-2 124M learns and writes on a GPU: nextword, transformers, and what the GPU itself would allow.

    python benchmarks/gpu.py --out results        a few minutes on one GPU
    python benchmarks/gpu.py --out results --quick    a tiny model and a few steps, on any device: does it run?

First the GPU is measured, then the numerics are checked, and only then anything is timed. A check that fails ends
the run with status 1, after the report is written. What cannot be measured is named with the reason. Weights are
random: they decide nothing about speed.
"""

import argparse
import gc
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextword.bench.limits import decode_bytes, decode_flops, training_flops
from nextword.decode import Sampling, TorchWriter, generate_batch_ids
from nextword.model import CONFIGS, GPT, GPTConfig, fused, plain
from nextword.runtime import matmuls_in
from nextword.train.optimizer import make_optimizer
from nextword.train.update import make_update
from nextword.train.working_copy import WorkingCopy

TINY = GPTConfig(n_vocab=211, n_ctx=64, n_embd=32, n_head=2, n_layer=2, dropout=0.0)
LR, DECAY, BETA2, CLIP = 6e-4, 0.1, 0.95, 1.0
SAMPLING = Sampling(temperature=0.8, top_k=40)


@dataclass(frozen=True)
class Plan:
    """What is measured.

    writing and many (prompts): (rows, what computes the step). training: (batch
    size, window, whether compiled). For the peer, writing has the kind of cache.
    """

    config: GPTConfig
    training: tuple[tuple[int, int, bool], ...]
    writing: tuple[tuple[int, str], ...]
    many: tuple[tuple[int, str], ...]
    peer_training: tuple[tuple[int, int, bool], ...]
    peer_writing: tuple[tuple[int, str], ...]
    prompt_tokens: int = 32
    new_tokens: int = 224
    seconds: float = 3.0
    gemm_width: int = 8192
    copy_bytes: int = 4 * 2**30


FULL = Plan(
    replace(CONFIGS["gpt2"], dropout=0.0),
    training=((16, 1024, False), (32, 1024, True), (64, 1024, True)),
    writing=(*((rows, by) for rows in (1, 32, 256) for by in ("torch", "triton")), (1, "compile"), (256, "compile")),
    many=((32, "triton"), (256, "torch"), (256, "triton")),
    peer_training=((16, 1024, False), (32, 1024, True)),
    peer_writing=((1, "dynamic"), (1, "static"), (32, "dynamic"), (256, "dynamic")),
)
QUICK = Plan(
    TINY,
    training=((2, 32, False),),
    writing=((1, "torch"), (3, "torch")),
    many=((3, "torch"),),
    peer_training=((2, 32, False),),
    peer_writing=((1, "dynamic"), (3, "dynamic")),
    prompt_tokens=8,
    new_tokens=12,
    seconds=0.1,
    gemm_width=256,
    copy_bytes=2**22,
)


@dataclass
class Row:
    """One line of the table. rate: tokens a second; limit: what the GPU's own rates would allow."""

    work: str
    program: str
    rate: float
    limit: float
    low: float
    high: float
    memory: int | None = None


@dataclass
class Report:
    """All that was found."""

    device: str
    versions: dict[str, str | None]
    rates: dict[str, float] = field(default_factory=dict)
    checks: list[tuple[str, bool]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    out: Path | None = None

    def save(self) -> None:
        """Write what is known by now: a run that is cut short has said something."""
        if self.out is not None:
            self.out.mkdir(parents=True, exist_ok=True)
            (self.out / "gpu.md").write_text(self.markdown(), encoding="utf-8")
            found = {name: value for name, value in asdict(self).items() if name != "out"}
            (self.out / "gpu.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

    def check(self, words: str, passed: bool) -> None:
        """Note a check, aloud."""
        self.checks.append((words, passed))
        say(f"{'ok    ' if passed else 'FAILED'} {words}")

    @contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """Note, in place of a result, why there is none; the rest goes on."""
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            words = " ".join(str(error).split())
            self.absent[what] = f"{type(error).__name__}: {words[:300]}"
            say(f"absent: {what}: {self.absent[what]}")
        say(f"       ({what}: {time.perf_counter() - began:.0f} s)")
        self.save()
        torch.compiler.reset()  # one writer's compiled code is of no use to the next
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def add(self, work: str, program: str, rates: list[float], limit: float, device: torch.device) -> None:
        """Note what was measured, aloud."""
        memory = torch.cuda.max_memory_allocated() if device.type == "cuda" else None
        row = Row(work, program, statistics.median(rates), limit, min(rates), max(rates), memory)
        self.rows.append(row)
        say(f"{row.work}: {row.program}: {row.rate:,.0f} tok/s, {row.rate / row.limit:.0%} of the limit")

    def markdown(self) -> str:
        """The report as a page."""
        lines = [
            "# GPU",
            "",
            f"{self.device}; " + ", ".join(f"{k} {v or 'absent'}" for k, v in self.versions.items()),
            "",
        ]
        lines += [f"- {name}: {rate:.3g}" for name, rate in self.rates.items()]
        lines += ["", *(f"- {'passed' if passed else '**failed**'}: {words}" for words, passed in self.checks), ""]
        lines += [
            "| work | program | tok/s | low to high | limit | share | memory |",
            "|---|---|---:|---|---:|---:|---:|",
        ]
        for row in self.rows:
            memory = f"{row.memory / 2**30:.1f} GiB" if row.memory else ""
            lines.append(
                f"| {row.work} | {row.program} | {row.rate:,.0f} | {row.low:,.0f} to {row.high:,.0f} "
                f"| {row.limit:,.0f} | {row.rate / row.limit:.0%} | {memory} |"
            )
        lines += ["", *(f"- not measured: {what}: {why}" for what, why in self.absent.items())]
        return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Measure, and write gpu.md and gpu.json; the status is 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.md and gpu.json")
    parser.add_argument("--quick", action="store_true", help="a tiny model and a few steps, on any device")
    parser.add_argument("--no-peers", action="store_true", help="measure nextword alone")
    parser.add_argument(
        "--part", action="append", choices=["writing", "training", "peers"], help="only this; repeatable"
    )
    args = parser.parse_args()
    if not (args.quick or torch.cuda.is_available()):
        print("There is no GPU here that PyTorch can use: --quick tries the code on a CPU.", file=sys.stderr)
        return 2
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    plan = QUICK if args.quick else FULL
    report = Report(
        torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        {
            **{name: installed(name) for name in ("nextword", "torch", "triton", "transformers")},
            "CUDA": torch.version.cuda,
        },
    )
    say(f"{report.device}, {report.versions}")
    parts = ["writing", "training", *([] if args.no_peers else ["peers"])] if args.part is None else args.part
    report.out = args.out
    measure_device(report, plan, device)
    check_numerics(report, plan, device)
    if "writing" in parts:
        for rows, by in plan.writing:
            measure_writing(report, plan, device, rows, by)
        for rows, by in plan.many:
            measure_many(report, plan, device, rows, by)
    if "training" in parts:
        for batch_size, window, compiled in plan.training:
            measure_training(report, plan, device, batch_size, window, compiled)
    if "peers" in parts:
        for rows, cache in plan.peer_writing:
            measure_peer_writing(report, plan, device, rows, cache)
        for batch_size, window, compiled in plan.peer_training:
            measure_peer_training(report, plan, device, batch_size, window, compiled)
    report.save()
    return 0 if all(passed for _, passed in report.checks) else 1


# What the device can do


def measure_device(report: Report, plan: Plan, device: torch.device) -> None:
    """The rates that all limits are worked out from: bf16 products of large squares, and copies of a large buffer."""
    n = plan.gemm_width
    a, b = (torch.randn(n, n, device=device).bfloat16() for _ in range(2))
    report.rates["bf16 products, operations/s"] = 2 * n**3 / fastest(lambda: a @ b, device)
    source = torch.ones(plan.copy_bytes // 4, device=device)
    target = torch.empty_like(source)
    report.rates["memory, bytes/s read and written"] = (
        2 * plan.copy_bytes / fastest(lambda: target.copy_(source), device)
    )
    for name, rate in report.rates.items():
        say(f"{name}: {rate:.3g}")


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


# Numerics


def check_numerics(report: Report, plan: Plan, device: torch.device) -> None:
    """fused = plain; a cache and graphs = neither; an update in bf16 = one in float32, nearly."""
    T = min(256, plan.config.n_ctx)
    ids = random_ids(plan, (2, T), device)
    reference = fresh_model(plan, device, ops=plain)
    model = fresh_model(plan, device)
    with torch.inference_mode():
        exact = reference(ids)
        apart = relative(model(ids), exact)
        report.check(f"logits, float32: fused and plain are {apart:.1e} apart", apart < 1e-4)
        apart = relative(fresh_model(plan, device).bfloat16()(ids), exact)
        report.check(f"logits: fused in bfloat16 and plain in float32 are {apart:.1e} apart", apart < 0.05)
    ways = {by for _, by in plan.writing}
    for rows, by in ((rows, by) for rows in (1, 3) for by in sorted(ways)):
        with report.attempt(f"check of {rows} rows by {by}"):
            check_writing(report, plan, model, rows, by)
    check_update(report, plan, device, reference, model)


def check_writing(report: Report, plan: Plan, model: GPT, rows: int, by: str) -> None:
    """Rows of different lengths, greedy and drawn, against a pass over the whole text for every token."""
    from nextword.decode.choose import choose

    device = model.wte.weight.device
    writer = TorchWriter(model, rows, by=by)  # type: ignore[arg-type]
    lengths = [1 + 5 * row for row in range(rows)]
    texts = [random_ids(plan, (length,), device).tolist() for length in lengths]
    wrong = 0
    for sampling in (Sampling(temperature=0), SAMPLING):
        numbers = np.random.default_rng(0).random((10, rows))
        for row, text in enumerate(texts):
            writer.read(row, text)
        written = writer.write(range(rows), sampling, numbers)
        for row, text in enumerate(texts):
            so_far = list(text)
            for number, id in zip(numbers[:, row], written[:, row].tolist(), strict=True):
                with torch.inference_mode():
                    logits = model(torch.tensor([so_far], device=device))[:, -1]
                    drawn = choose(sampling, logits, torch.tensor([number], dtype=torch.float64, device=device))
                # In random weights two tokens may be as good as equally likely, or a number fall on a border.
                wrong += int(drawn) != id
                so_far.append(id)
    report.check(f"{rows} rows by {by}: {wrong} of {20 * rows} tokens differ from those without a cache", wrong <= rows)


def check_update(report: Report, plan: Plan, device: torch.device, reference: GPT, model: GPT) -> None:
    """The loss and the gradient of one batch: as in training, and written out in float32."""
    T = min(256, plan.config.n_ctx)
    x, y = random_ids(plan, (2, T), device), random_ids(plan, (2, T), device)
    exact = plain.cross_entropy(reference(x), y)
    exact.backward()
    working = WorkingCopy(model, torch.bfloat16)
    loss = training_loss(working, device)(x, y)
    loss.backward()
    working.gather()
    pairs = list(zip(working.masters, reference.parameters(), strict=True))
    dot, ours, theirs = (
        sum(float((a.grad.double() * b.grad.double()).sum()) for a, b in chosen)  # type: ignore[union-attr]
        for chosen in (pairs, [(a, a) for a, _ in pairs], [(b, b) for _, b in pairs])
    )
    cosine, length = dot / math.sqrt(ours * theirs), math.sqrt(ours / theirs)
    report.check(f"loss: {loss.item():.4f} in bfloat16, {exact.item():.4f} in float32", abs(loss - exact).item() < 0.02)
    report.check(
        f"gradient: cosine {cosine:.5f}, length {length:.4f} of float32's", cosine > 0.99 and abs(length - 1) < 0.03
    )


# nextword


def measure_writing(report: Report, plan: Plan, device: torch.device, rows: int, by: str) -> None:
    """Tokens a second that are written on so many rows, after prompts that are already read."""
    work = f"writing, {rows} {'row' if rows == 1 else 'rows'}"
    with report.attempt(f"{work}, by {by}"):
        writer = TorchWriter(fresh_model(plan, device).bfloat16(), rows, by=by)  # type: ignore[arg-type]
        prompts = random_ids(plan, (rows, plan.prompt_tokens), device).tolist()
        numbers = np.random.default_rng(0).random((plan.new_tokens, rows))
        rates = []
        for _ in range(4):  # the first time graphs are captured
            for row, ids in enumerate(prompts):
                writer.read(row, ids)
            writer.logits(0)  # a prompt is read when something is wanted of it
            wait(device)
            began = time.perf_counter()
            writer.write(range(rows), SAMPLING, numbers)
            rates.append(rows * plan.new_tokens / (time.perf_counter() - began))
        report.add(work, f"nextword, by {by}", rates[1:], writing_limit(report, plan, rows), device)


def measure_many(report: Report, plan: Plan, device: torch.device, rows: int, by: str) -> None:
    """Tokens a second from prompts of different lengths to whole texts: twice as many as there are rows."""
    work = f"{2 * rows} prompts on {rows} rows, reading included"
    with report.attempt(f"{work}, by {by}"):
        writer = TorchWriter(fresh_model(plan, device).bfloat16(), rows, by=by)  # type: ignore[arg-type]
        lengths = [1 + i % (2 * plan.prompt_tokens) for i in range(2 * rows)]
        prompts = [random_ids(plan, (length,), device).tolist() for length in lengths]
        limits = [plan.new_tokens * (1 + i % 4) // 4 for i in range(2 * rows)]  # they end at different times
        rates = []
        for _ in range(3):
            left = list(limits)

            def take(index: int, id: int, left: list[int] = left) -> bool:
                left[index] -= 1
                return left[index] > 0

            wait(device)
            began = time.perf_counter()
            generate_batch_ids(writer, prompts, SAMPLING, take, max_new_tokens=plan.new_tokens, seed=0)
            rates.append(sum(limits) / (time.perf_counter() - began))
        report.add(work, f"nextword, by {by}", rates[1:], writing_limit(report, plan, rows), device)


def measure_training(
    report: Report, plan: Plan, device: torch.device, batch_size: int, window: int, compiled: bool
) -> None:
    """Tokens a second that are learned from, with the trainer's own working copy, loss and update."""
    work, how = f"training, B={batch_size} T={window}", "compiled" if compiled else "eager"
    with report.attempt(f"{work}, {how}"):
        model = fresh_model(plan, device).train()
        working = WorkingCopy(model, torch.bfloat16)
        update = make_update(working, make_optimizer(model, LR, DECAY, BETA2), CLIP)
        compute_loss = training_loss(working, device)
        if compiled:
            compute_loss = torch.compile(compute_loss, fullgraph=True, dynamic=False)

        def step(x: Tensor, y: Tensor) -> None:
            loss = compute_loss(x, y)
            loss.backward()
            update(loss.detach(), LR)

        rates = training_rates(plan, device, batch_size, window, step)
        report.add(work, f"nextword, {how}", rates, training_limit(report, plan, window), device)


def training_loss(working: WorkingCopy, device: torch.device) -> Callable[[Tensor, Tensor], Tensor]:
    """As the trainer computes it."""
    model = working.model

    def compute_loss(x: Tensor, y: Tensor) -> Tensor:
        with matmuls_in(torch.bfloat16, device):
            return model.ops.head_loss(model.trunk(x), model.wte.weight, y)

    return compute_loss


# transformers


def measure_peer_writing(report: Report, plan: Plan, device: torch.device, rows: int, cache: str) -> None:
    """The same by transformers' generate, with the cache that grows or the static one, which it compiles for."""
    work = f"writing, {rows} {'row' if rows == 1 else 'rows'}"
    with report.attempt(f"{work}, transformers, {cache} cache"):
        model = peer(plan, device).bfloat16().eval()
        ids = random_ids(plan, (rows, plan.prompt_tokens), device)
        settings: dict[str, Any] = {
            "min_new_tokens": plan.new_tokens,
            "max_new_tokens": plan.new_tokens,
            "do_sample": True,
            "temperature": SAMPLING.temperature,
            "top_k": SAMPLING.top_k,
            "pad_token_id": 0,
            "attention_mask": torch.ones_like(ids),
        }
        if cache == "static":
            settings["cache_implementation"] = "static"
        rates = []
        for _ in range(3):
            wait(device)
            began = time.perf_counter()
            model.generate(ids, **settings)
            wait(device)
            rates.append(rows * plan.new_tokens / (time.perf_counter() - began))
        report.add(work, f"transformers, {cache} cache", rates[1:], writing_limit(report, plan, rows), device)


def measure_peer_training(
    report: Report, plan: Plan, device: torch.device, batch_size: int, window: int, compiled: bool
) -> None:
    """The same by transformers' model in autocast, with fused AdamW and clipping."""
    work, how = f"training, B={batch_size} T={window}", "compiled" if compiled else "eager"
    with report.attempt(f"{work}, transformers, {how}"):
        model = peer(plan, device).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=LR, betas=(0.9, BETA2), weight_decay=DECAY, fused=True)

        def compute_loss(x: Tensor, y: Tensor) -> Tensor:
            with matmuls_in(torch.bfloat16, device):
                logits = model(x).logits
            return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), y.flatten())

        loss_of = torch.compile(compute_loss, dynamic=False) if compiled else compute_loss

        def step(x: Tensor, y: Tensor) -> None:
            loss_of(x, y).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        rates = training_rates(plan, device, batch_size, window, step)
        report.add(work, f"transformers, {how}", rates, training_limit(report, plan, window), device)


def peer(plan: Plan, device: torch.device) -> Any:
    """transformers' GPT-2 of the same shape, with its fastest attention."""
    import transformers

    config = plan.config
    shape = transformers.GPT2Config(
        vocab_size=config.n_vocab,
        n_positions=config.n_ctx,
        n_embd=config.n_embd,
        n_head=config.n_head,
        n_layer=config.n_layer,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=None,
        attn_implementation="sdpa",
    )
    return transformers.GPT2LMHeadModel(shape).to(device)


# What all share


def training_rates(
    plan: Plan, device: torch.device, batch_size: int, window: int, step: Callable[[Tensor, Tensor], None]
) -> list[float]:
    """Make updates on batches that come from the processor, as in a run; tokens a second, in three stretches."""
    batches = [random_ids(plan, (2, batch_size, window), torch.device("cpu")) for _ in range(4)]

    def run(n: int) -> float:
        wait(device)
        began = time.perf_counter()
        for i in range(n):
            x, y = batches[i % 4]
            if device.type == "cuda":
                x, y = x.pin_memory(), y.pin_memory()
            step(x.to(device, non_blocking=True), y.to(device, non_blocking=True))
        wait(device)
        return time.perf_counter() - began

    run(3)
    n = max(2, round(plan.seconds / 3 / (run(2) / 2)))
    return [n * batch_size * window / run(n) for _ in range(3)]


def training_limit(report: Report, plan: Plan, window: int) -> float:
    """Tokens a second if nothing but products took time: 6 N + 12 L T C operations each."""
    return report.rates["bf16 products, operations/s"] / training_flops(plan.config, window)


def writing_limit(report: Report, plan: Plan, rows: int) -> float:
    """Tokens a second if every weight, key and value were read once a step, or every product done at the full rate."""
    visible = plan.prompt_tokens + plan.new_tokens / 2
    reading = decode_bytes(plan.config, "bfloat16", visible, rows) / report.rates["memory, bytes/s read and written"]
    counting = rows * decode_flops(plan.config, visible) / report.rates["bf16 products, operations/s"]
    return rows / max(reading, counting)


def fresh_model(plan: Plan, device: torch.device, ops: Any = fused) -> GPT:
    """A model with the same random weights every time, larger than GPT-2's first ones so that they matter."""
    torch.manual_seed(0)
    model = GPT(plan.config, ops=ops).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(2.0)
    return model.to(device)


def random_ids(plan: Plan, shape: tuple[int, ...], device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randint(plan.config.n_vocab, shape, generator=generator).to(device)


def relative(a: Tensor, b: Tensor) -> float:
    """How far a is from b, as a share of b's own length."""
    return ((a.double() - b.double()).norm() / b.double().norm()).item()


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
