"""Benchmarks of training, one process at a time, since each may fill the memory."""

from pathlib import Path

from nextword.bench.figures import TOKENS, Figure, Findings, Row
from nextword.bench.limits import training_flops
from nextword.bench.worker import ProgramError, Worker
from nextword.bench.writing import METER, Setting

LOSS_TOLERANCE = 0.1
"""How far apart the losses before the first update may be, in nats a token.

All see the same batch and weights, but who leaves the logits in bfloat16 gets 0.05 of rounding.
"""


def measure_training(specs: dict[str, str], setting: Setting, findings: Findings) -> None:
    """Measure updates, in rounds in which the programs take turns. specs: name -> `module:Class`."""
    text = setting.scratch / "training.txt"
    write_text(text)
    with setting.worker(METER) as meter:
        for batch_size, window in setting.workload.training if specs else ():
            train_in_turns(specs, meter, text, batch_size, window, setting, findings)


def train_in_turns(
    specs: dict[str, str],
    meter: Worker,
    text: Path,
    batch_size: int,
    window: int,
    setting: Setting,
    findings: Findings,
) -> None:
    """Measure one size of batch: in each round the machine first, then each program, from its start."""
    workload, work = setting.workload, f"training, B={batch_size} T={window}"
    results: dict[str, list[float]] = {}
    losses: dict[str, list[float]] = {}
    memory: dict[str, int] = {}
    gemm: list[float] = []
    for n in range(workload.repeats):
        gemm.append(max(meter.call("gemm", t, setting.config.n_embd, 1024).value for t in ("float32", "bfloat16")))
        for name, spec in specs.items():
            if f"{name}, {work}" in findings.absent:
                continue
            setting.say(f"{work}: {name}, round {n + 1} of {workload.repeats}")
            where = (setting.model, text, setting.scratch)
            try:
                with setting.worker(spec) as worker:
                    answer = worker.call("train", *where, batch_size, window, 1 + workload.n_updates, setting.threads)
            except ProgramError as error:
                findings.leave_out(f"{name}, {work}", error)
                continue
            seconds = answer.value["seconds"][1:]
            results.setdefault(name, []).extend(batch_size * window / s for s in seconds)
            losses[name] = answer.value["losses"]
            memory[name] = max(memory.get(name, 0), answer.peak_memory)
    findings.rates[f"{work}: matrix products"] = gemm
    limit = Figure(tuple(gemm)).median / training_flops(setting.config, window)
    findings.rows += [
        Row(work, name, "bfloat16", TOKENS, Figure(tuple(values)), limit, memory[name])
        for name, values in results.items()
    ]
    findings.checks += compare_losses(work, losses)


def compare_losses(work: str, losses: dict[str, list[float]]) -> list[str]:
    """Say what everybody's loss was before the first update, and whether they agree."""
    if not losses:
        return []
    first = {name: values[0] for name, values in losses.items()}
    spread = max(first.values()) - min(first.values())
    verdict = "they agree" if spread <= LOSS_TOLERANCE else f"they DISAGREE by {spread:.3f}"
    told = ", ".join(f"{name} {loss:.3f}" for name, loss in first.items())
    return [f"{work}: loss before the first update: {told}" + (f"; {verdict}" if len(first) > 1 else "")]


def write_text(path: Path) -> None:
    """Write the bundled story eight times over: enough for a few large batches."""
    from nextword.data import read_corpus

    path.write_text(read_corpus(("story",)).documents[0] * 8, encoding="utf-8")
