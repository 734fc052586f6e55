"""Benchmarks of writing, one precision at a time, with the programs in turns."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from nextword.bench.figures import TOKENS, Figure, Findings, Row
from nextword.bench.limits import decode_bytes, decode_flops, prefill_flops
from nextword.bench.program import WritingProgram, program_class
from nextword.bench.worker import ProgramError, Worker
from nextword.bench.workload import Workload
from nextword.config import GPTConfig

Say = Callable[[str], object]
METER = "nextword.bench.rates:Meter"
REFERENCE = "nextword.bench.own:PlainTwin"

TOLERANCE = {"float32": 2e-3, "bfloat16": 5e-2, "int8": 0.15, "int4": 0.6}
"""How far a program's logits may be from the reference's, as a share of their spread; more is a mistake, not rounding.

Random weights leave int4 a fifth of the spread away; a wrong transpose or a shifted position leaves everything
more than 1 away.
"""


@dataclass(frozen=True)
class Setting:
    """The settings of all measurements. text: ids to take prompts from. environment: for the workers."""

    workload: Workload
    model: str
    config: GPTConfig
    scratch: Path
    text: Sequence[int]
    threads: int
    environment: dict[str, str] = field(default_factory=dict)
    say: Say = lambda line: None

    def worker(self, spec: str) -> Worker:
        """Start a process for a program."""
        return Worker(spec, self.threads, self.environment)


@dataclass
class Contestant:
    """A program that is loaded and agrees with the reference."""

    name: str
    worker: Worker

    def seconds(self, prompts: Sequence[Sequence[int]], n_tokens: int) -> float:
        """Measure the seconds of reading the prompts and writing n_tokens after each."""
        return self.worker.call("write", prompts, n_tokens).seconds

    def writing_rate(self, prompts: Sequence[Sequence[int]], n_tokens: int) -> float:
        """Measure tokens a second in decoding: the time for many less the time for one."""
        first = self.seconds(prompts, 1)
        whole = self.seconds(prompts, 1 + n_tokens)
        return len(prompts) * n_tokens / max(whole - first, 1e-9)

    def reading_rate(self, prompt: Sequence[int]) -> float:
        """Measure tokens a second in prefill."""
        return len(prompt) / self.seconds([prompt], 1)


def measure_writing(specs: dict[str, str], setting: Setting, findings: Findings) -> None:
    """Measure decoding, alone and in batches, and prefill, in every precision. specs: name -> `module:Class`."""
    reference = reference_logits(setting) if setting.workload.precisions else []
    for precision in setting.workload.precisions:
        with ExitStack() as open_workers:
            meter = open_workers.enter_context(setting.worker(METER))
            contestants = []
            for name, spec in specs.items():
                if precision not in program_class(spec).precisions:
                    continue
                setting.say(f"{precision}: {name} loads")
                try:
                    contestants.append(enter(name, spec, precision, reference, setting, findings, open_workers))
                except ProgramError as error:
                    findings.leave_out(f"{name}, {precision}", error)
            if contestants:
                take_turns(contestants, meter, precision, setting, findings)
        measure_memory(specs, precision, setting, findings)


def reference_logits(setting: Setting) -> list[list[float]]:
    """Compute the plain twin's logits after a short and a longer text."""
    with setting.worker(REFERENCE) as worker:
        worker.call("load", setting.model, setting.scratch, "float32", setting.threads, 1)
        return [worker.call("logits", ids).value for ids in checked_texts(setting)]


def checked_texts(setting: Setting) -> list[Sequence[int]]:
    """Give the two texts for comparing logits."""
    workload = setting.workload
    return [setting.text[: workload.prompt_tokens], setting.text[7 : 7 + workload.prefill_tokens // 2]]


def enter(
    name: str,
    spec: str,
    precision: str,
    reference: list[list[float]],
    setting: Setting,
    findings: Findings,
    open_workers: ExitStack,
) -> Contestant:
    """Load a program, time that, and check its logits. Raises ProgramError where it fails."""
    where = (setting.model, setting.scratch, precision)
    prepare(spec, precision, setting)
    worker = open_workers.enter_context(setting.worker(spec))
    n_rows = max((1, *setting.workload.batches))
    loaded = worker.call("load", *where, setting.threads, n_rows)
    differences = [
        compare(truth, worker.call("logits", ids).value)
        for truth, ids in zip(reference, checked_texts(setting), strict=True)
    ]
    error, divergence = max(differences)
    findings.checks.append(
        f"{name}, {precision}: logits {error:.1e} of their spread away from the plain twin's in float32, "
        f"KL divergence {divergence:.1e} nats"
    )
    if not error <= TOLERANCE[precision]:
        raise ProgramError(
            f"its logits are {error:.2g} of their spread away from the reference's; {TOLERANCE[precision]} is allowed"
        )
    findings.rows.append(Row("import and load", name, precision, "s", Figure((loaded.seconds,))))
    return Contestant(name, worker)


def prepare(spec: str, precision: str, setting: Setting) -> None:
    """Convert the weights into a program's own format. A process of its own does it, for converting takes memory."""
    if program_class(spec).prepare is not WritingProgram.prepare:
        with setting.worker(spec) as worker:
            worker.call("prepare", setting.model, setting.scratch, precision)


def compare(truth: Sequence[float], scores: Sequence[float]) -> tuple[float, float]:
    """Compare logits with the true ones: relative error, and KL divergence in nats.

    A number added to all scores changes nothing, so their means are taken off first.
    """
    import numpy as np

    p, q = np.asarray(truth, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if p.shape != q.shape or not np.isfinite(q).all():
        return math.inf, math.inf
    p, q = p - p.mean(), q - q.mean()
    error = float(np.linalg.norm(p - q) / np.linalg.norm(p))
    log_p, log_q = (x - x.max() - np.log(np.exp(x - x.max()).sum()) for x in (p, q))
    return error, float((np.exp(log_p) * (log_p - log_q)).sum())


def take_turns(
    contestants: list[Contestant], meter: Worker, precision: str, setting: Setting, findings: Findings
) -> None:
    """Measure in rounds: the machine first, then each work by each program in turn."""
    workload, config = setting.workload, setting.config
    batches = {n: prompts(setting, n) for n in (1, *workload.batches)}
    long = setting.text[: workload.prefill_tokens]
    results: dict[tuple[str, str], list[float]] = {}
    rates: dict[str, list[float]] = {"gemm": [], "read": []}
    in_play = list(contestants)

    def turn(work: str, measure: Callable[[Contestant], float]) -> None:
        """Measure every program in turn; a failing one drops out."""
        for contestant in list(in_play):
            rest()
            try:
                value = measure(contestant)
            except ProgramError as error:
                findings.leave_out(f"{contestant.name}, {precision}, from {work} on", error)
                in_play.remove(contestant)
            else:
                results.setdefault((work, contestant.name), []).append(value)

    for n_rows, texts in batches.items():  # whoever compiles, allocates or fills caches does so now
        turn(decode_work(n_rows), partial(Contestant.seconds, prompts=texts, n_tokens=2))
    turn(prefill_work(workload), partial(Contestant.seconds, prompts=[long], n_tokens=2))
    results.clear()
    for n in range(workload.repeats):
        setting.say(f"{precision}: round {n + 1} of {workload.repeats}")
        rates["read"].append(meter.call("read", decode_bytes(config, precision, seen(workload, 1))).value)
        dtypes = ("float32",) if precision == "float32" else ("float32", "bfloat16")
        rates["gemm"].append(max(meter.call("gemm", t, config.n_embd, workload.prefill_tokens).value for t in dtypes))
        for n_rows, texts in batches.items():
            n_tokens = new_tokens(workload, n_rows)
            turn(decode_work(n_rows), partial(Contestant.writing_rate, prompts=texts, n_tokens=n_tokens))
        turn(prefill_work(workload), partial(Contestant.reading_rate, prompt=long))

    read, gemm = (Figure(tuple(rates[name])).median for name in ("read", "gemm"))
    limits = {prefill_work(workload): workload.prefill_tokens / (prefill_flops(config, workload.prefill_tokens) / gemm)}
    for n_rows in batches:
        visible = seen(workload, n_rows)
        reading = decode_bytes(config, precision, visible, n_rows) / read
        limits[decode_work(n_rows)] = n_rows / max(reading, n_rows * decode_flops(config, visible) / gemm)
    findings.rates[f"{precision}: reading as many bytes as a token needs"] = rates["read"]
    findings.rates[f"{precision}: matrix products"] = rates["gemm"]
    for (work, name), values in results.items():
        figure = Figure(tuple(values))
        findings.rows.append(Row(work, name, precision, TOKENS, figure, limits[work]))


def measure_memory(specs: dict[str, str], precision: str, setting: Setting, findings: Findings) -> None:
    """Measure the peak memory of a fresh process for each timed work.

    Those that were timed have room for the largest batch, which whoever writes one text has no need of.
    """
    workload = setting.workload
    works = {decode_work(n): (prompts(setting, n), new_tokens(workload, n)) for n in (1, *workload.batches)}
    works[prefill_work(workload)] = [setting.text[: workload.prefill_tokens]], 0
    for index, row in enumerate(findings.rows):
        if row.precision != precision or row.work not in works:
            continue
        texts, n_tokens = works[row.work]
        setting.say(f"{precision}: {row.program}, memory, {row.work}")
        try:
            with setting.worker(specs[row.program]) as worker:
                worker.call("load", setting.model, setting.scratch, precision, setting.threads, len(texts))
                peak_memory = worker.call("write", texts, 1 + n_tokens).peak_memory
        except ProgramError as error:
            findings.leave_out(f"{row.program}, {precision}, memory, {row.work}", error)
            continue
        findings.rows[index] = replace(row, peak_memory=peak_memory)


def prompts(setting: Setting, n_rows: int) -> list[Sequence[int]]:
    """Make one prompt of prompt_tokens, or several of different lengths around it."""
    mean = setting.workload.prompt_tokens
    lengths = [mean] if n_rows == 1 else [mean // 2 + mean * row // (n_rows - 1) for row in range(n_rows)]
    starts = [3 * row for row in range(n_rows)]
    return [setting.text[start : start + length] for start, length in zip(starts, lengths, strict=True)]


def new_tokens(workload: Workload, n_rows: int) -> int:
    """Give the number of new tokens on each row."""
    return workload.new_tokens if n_rows == 1 else workload.batch_new_tokens


def seen(workload: Workload, n_rows: int) -> float:
    """Compute the mean number of visible tokens."""
    return workload.prompt_tokens + new_tokens(workload, n_rows) / 2


def decode_work(n_rows: int) -> str:
    """Name the work of decoding in the table."""
    return "decode, 1 text" if n_rows == 1 else f"decode, {n_rows} texts"


def prefill_work(workload: Workload) -> str:
    """Name the work of prefill in the table."""
    return f"prefill, {workload.prefill_tokens} tokens"


def rest() -> None:
    """Wait until the threads of the last program are asleep."""
    time.sleep(0.3)
