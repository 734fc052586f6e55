"""A run of the GPU's benchmark: what it is about, and how it notes what it finds."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from benchmarks.gpu.plan import Plan
from nextword.bench.figures import TOKENS, Figure, Findings, Row
from nextword.bench.machine import installed, this_machine
from nextword.bench.report import number, save, save_text

METHOD = (
    "Writing: tokens a second on all rows together, after prompts that are read already. nextword writes by torch "
    "unless it is told otherwise: what is marked as opt-in is asked for with TorchEngine(model, compiled=True).",
    "Training: whole updates on batches that come from the processor, in three stretches. nextword's training turns to "
    "the compiled form by itself where a run is long enough for that to pay.",
    "The limit of writing: every weight, key and value is read once a step, or multiplied, where that takes longer; of "
    "training: 6 N + 12 L T C operations a token. At the GPU's own rates: products of large squares in bfloat16, and "
    "copies of a large buffer. Memory: the most that PyTorch held on the GPU.",
)


@dataclass
class Run:
    """One run. failed: whether a check has failed."""

    plan: Plan
    device: torch.device
    out: Path
    findings: Findings
    failed: bool = False

    def rate(self, name: str, rate: float) -> None:
        """Note one of the GPU's own rates, aloud."""
        self.findings.rates[name] = [rate]
        say(f"{name}: {rate:.3g}")

    def check(self, words: str, passed: bool) -> None:
        """Note a check, aloud."""
        self.findings.checks.append(f"{'passed' if passed else '**failed**'}: {words}")
        self.failed |= not passed
        say(f"{'ok    ' if passed else 'FAILED'} {words}")

    @contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """Note, in place of a result, why there is none; the rest goes on."""
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            words = " ".join(str(error).split())
            self.findings.absent[what] = f"{type(error).__name__}: {words[:300]}"
            say(f"absent: {what}: {self.findings.absent[what]}")
        say(f"       ({what}: {time.perf_counter() - began:.0f} s)")
        save_text(self.findings, self.out, "gpu")  # a run that is cut short has said something
        torch.compiler.reset()  # one engine's compiled code is of no use to the next
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def add(self, work: str, program: str, rates: list[float], limit: float) -> None:
        """Note what was measured, in tokens a second, aloud."""
        memory = torch.cuda.max_memory_allocated() if self.device.type == "cuda" else None
        row = Row(work, program, "bfloat16", TOKENS, Figure(tuple(rates)), limit, memory)
        self.findings.rows.append(row)
        say(f"{work}: {program}: {number(row.figure.median)} tok/s, {row.share:.0%} of the limit")

    def save(self) -> list[Path]:
        """Write the report; give back its paths."""
        return save(self.findings, self.out, "gpu")


def nothing_found_yet(plan: Plan, device: torch.device) -> Findings:
    """The findings of a run that begins."""
    machine = this_machine()
    if device.type == "cuda":
        machine = replace(machine, processor=f"{torch.cuda.get_device_name(device)}; {machine.processor}")
    versions = {name: installed(name) or "absent" for name in ("nextword", "torch", "triton", "transformers")}
    versions["CUDA"] = torch.version.cuda or "absent"
    weights = f"{plan.config.n_params:,} parameters, random"
    return Findings(machine, weights, versions=versions, method=list(METHOD))


def say(words: str) -> None:
    print(words, flush=True)
