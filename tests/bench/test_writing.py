import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextword.bench import benchmark, starting, writing
from nextword.bench.figures import TOKENS, Figure, Findings, Row
from nextword.bench.learning import compare_losses
from nextword.bench.machine import Machine
from nextword.bench.starting import seconds_to_first_token
from nextword.bench.worker import Answer, ProgramError
from nextword.bench.workload import Workload
from nextword.bench.writing import TOLERANCE, Contestant, Setting, compare, prompts, take_turns
from nextword.model import GPTConfig


def test_scores_are_compared_by_what_they_mean() -> None:
    truth = np.random.default_rng(0).normal(size=100)
    assert compare(truth.tolist(), (truth + 5).tolist()) == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))
    error, divergence = compare(truth.tolist(), (2 * truth).tolist())
    assert error == pytest.approx(1)
    p, q = np.exp(truth) / np.exp(truth).sum(), np.exp(2 * truth) / np.exp(2 * truth).sum()
    assert divergence == pytest.approx((p * np.log(p / q)).sum())
    assert error > max(TOLERANCE.values())


def test_scores_of_another_shape_or_not_finite_never_pass() -> None:
    assert compare([1.0, 2.0], [1.0]) == (math.inf, math.inf)
    assert compare([1.0, 2.0], [1.0, math.nan]) == (math.inf, math.inf)


def test_prompts_side_by_side_differ_in_length_and_are_as_long_on_average() -> None:
    setting = Setting(Workload(prompt_tokens=32), "", GPTConfig(), Path(), range(1000), 1)
    assert [list(ids) for ids in prompts(setting, 1)] == [list(range(32))]
    many = prompts(setting, 33)
    assert sorted({len(ids) for ids in many}) == list(range(16, 49))
    assert np.mean([len(ids) for ids in many]) == 32
    assert len({ids[0] for ids in many}) == 33


@pytest.mark.parametrize("n_ctx", [4, 16, 128, 1024])
def test_no_work_is_longer_than_the_model_can_read(n_ctx: int) -> None:
    whole = Workload()
    work = whole.within(n_ctx)
    assert (work == whole) == (n_ctx == 1024)
    setting = Setting(work, "", GPTConfig(n_ctx=n_ctx), Path(), range(2000), 1)
    for n_rows in (1, *work.batches):
        longest = max(len(ids) for ids in prompts(setting, n_rows))
        assert longest + 1 + writing.new_tokens(work, n_rows) <= n_ctx
    assert 1 <= work.prefill_tokens <= n_ctx - 2
    assert all(window <= n_ctx for _, window in work.training)


def test_the_bundled_model_gets_work_that_it_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[tuple[int, Workload]] = []

    def note(_specs: object, setting: Setting, _findings: Findings) -> None:
        measured.append((setting.config.n_ctx, setting.workload))

    monkeypatch.setattr(benchmark, "measure_machine", lambda *_: None)
    for name in ("measure_writing", "measure_cold_starts", "measure_training"):
        monkeypatch.setattr(benchmark, name, note)
    benchmark.benchmark(Workload(), "heads", Path(), lambda _: None)
    assert measured == [(128, Workload().within(128))] * 3


def test_losses_are_told_and_compared() -> None:
    assert compare_losses("work", {}) == []
    (line,) = compare_losses("work", {"a": [10.0, 9.0], "b": [10.01, 8.0]})
    assert line == "work: loss before the first update: a 10.000, b 10.010; they agree"
    (line,) = compare_losses("work", {"a": [10.0], "b": [10.5]})
    assert "DISAGREE by 0.500" in line


def test_the_prompt_is_not_yet_a_token() -> None:
    script = "import time; print('Hello', end='', flush=True); time.sleep(0.4); print(' world', flush=True)"
    assert seconds_to_first_token([sys.executable, "-c", script], "Hello", {}) >= 0.4


def test_a_program_that_prints_no_token_has_failed() -> None:
    script = "import sys; print('Hello', end=''); sys.exit('no weights')"
    with pytest.raises(RuntimeError, match="no weights"):
        seconds_to_first_token([sys.executable, "-c", script], "Hello", {})


class Program:
    """Answers as a worker does, and fails when it is asked for more than it can."""

    def __init__(self, most_rows: int) -> None:
        self.most_rows = most_rows

    def call(self, method: str, *arguments: Any) -> Answer:
        if method != "write":  # it is the machine's meter
            return Answer(1e9, 0.0, 0)
        if len(arguments[0]) > self.most_rows:
            raise ProgramError("write: out of\n  memory")
        return Answer(None, 0.5 * arguments[1], 7)


def test_who_fails_while_timed_is_noted_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "rest", lambda: None)
    workload = Workload(repeats=2, batches=(8,), prompt_tokens=4, prefill_tokens=10)
    setting = Setting(workload, "", GPTConfig(), Path(), range(100), 1)
    findings = Findings(Machine("Cruncher 9", 1, (), None, "Linux", "3.12", "2.11"), "")
    contestants = [Contestant("small", Program(1)), Contestant("large", Program(8))]  # type: ignore[arg-type]
    take_turns(contestants, Program(0), "int8", setting, findings)  # type: ignore[arg-type]
    assert findings.absent == {"small, int8, from decode, 8 texts on": "write: out of memory"}
    assert [(row.work, row.program, row.figure.values) for row in findings.rows] == [
        ("decode, 1 text", "large", (2.0, 2.0)),
        ("decode, 8 texts", "large", (16.0, 16.0)),
        ("prefill, 10 tokens", "large", (20.0, 20.0)),
    ]


def test_memory_is_that_of_a_process_that_does_this_work_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[list[object]] = []

    class Process:
        def __init__(self, spec: str, *_: object) -> None:
            processes.append([spec])

        def __enter__(self) -> "Process":
            return self

        def __exit__(self, *_: object) -> None: ...

        def call(self, method: str, *arguments: Any) -> Answer:
            if method == "load":
                processes[-1].append(arguments[-1])
                return Answer(None, 0.0, 99)  # loading may hold more than a work does; the process knows its peak
            texts, n_tokens = arguments
            if processes[-1][0] == "small:Small" and len(texts) > 1:
                raise ProgramError("write: out of memory")
            processes[-1].append((len(texts), n_tokens))
            return Answer(None, 0.0, 100 * len(texts))

    monkeypatch.setattr(writing, "Worker", Process)
    workload = Workload(batches=(8,), prefill_tokens=10, new_tokens=128, batch_new_tokens=32)
    findings = Findings(Machine("Cruncher 9", 1, (), None, "Linux", "3.12", "2.11"), "")
    works = ("import and load", "decode, 1 text", "decode, 8 texts", "prefill, 10 tokens")
    findings.rows += [Row(work, "large", "int8", TOKENS, Figure((1.0,))) for work in works]
    findings.rows += [Row("decode, 8 texts", "small", "int8", TOKENS, Figure((1.0,)))]
    findings.rows += [Row("decode, 1 text", "large", "int4", TOKENS, Figure((1.0,)))]  # another precision's
    writing.measure_memory(
        {"large": "large:Large", "small": "small:Small"},
        "int8",
        Setting(workload, "", GPTConfig(), Path(), range(1000), 1),
        findings,
    )
    assert [row.peak_memory for row in findings.rows] == [None, 100, 800, 100, None, None]
    assert processes[:3] == [["large:Large", 1, (1, 129)], ["large:Large", 8, (8, 33)], ["large:Large", 1, (1, 1)]]
    assert findings.absent == {"small, int8, memory, decode, 8 texts": "write: out of memory"}


def test_when_all_fail_nothing_is_measured_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "rest", lambda: None)
    setting = Setting(Workload(repeats=1, batches=()), "", GPTConfig(), Path(), range(1000), 1)
    findings = Findings(Machine("Cruncher 9", 1, (), None, "Linux", "3.12", "2.11"), "")
    take_turns([Contestant("any", Program(0))], Program(0), "int8", setting, findings)  # type: ignore[arg-type, list-item]
    assert (findings.rows, list(findings.absent)) == ([], ["any, int8, from decode, 1 text on"])


def test_a_program_that_does_not_start_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def seconds(command: str, _prompt: str, _environment: dict[str, str]) -> float:
        tried.append(command)
        if command == "bad":
            raise RuntimeError("no weights")
        return 0.5

    monkeypatch.setattr(starting, "seconds_to_first_token", seconds)
    monkeypatch.setattr(starting, "cold_commands", lambda *_: {"one": "bad", "two": "good"})
    setting = Setting(Workload(repeats=2, cold_precisions=("int8",)), "", GPTConfig(), Path(), range(10), 1)
    findings = Findings(Machine("Cruncher 9", 1, (), None, "Linux", "3.12", "2.11"), "")
    starting.measure_cold_starts({}, setting, findings)
    assert tried == ["bad", "good", "good", "good"]
    assert findings.absent == {"one, int8, cold start, first token": "no weights"}
    assert [(row.program, row.figure.values) for row in findings.rows] == [("two", (0.5, 0.5))]
