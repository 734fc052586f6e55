"""The GPU's benchmark, tried out on a tiny model wherever this runs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu import numerics, training
from benchmarks.gpu.plan import QUICK
from benchmarks.gpu.writing import named


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["gpu", *arguments])
    monkeypatch.setattr(gpu, "QUICK", replace(QUICK, seconds=0.01))  # however inexact its figures get
    return gpu.main()


def test_the_quick_run_measures_and_checks_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers", reason="transformers (extra: test) is the peer")
    assert run(monkeypatch, "--quick", "--out", str(tmp_path / "new")) == 0
    found = json.loads((tmp_path / "new" / "gpu.json").read_text())
    assert found["absent"] == {}
    assert len(found["checks"]) == 6
    assert all(words.startswith("passed: ") for words in found["checks"])
    assert [(row["work"], row["program"]) for row in found["rows"]] == [
        ("writing, 1 row", "nextword, by torch"),
        ("writing, 3 rows", "nextword, by torch"),
        ("6 prompts on 3 rows, reading included", "nextword, by torch"),
        ("training, B=2 T=32", "nextword, eager"),
        ("writing, 1 row", "transformers, dynamic cache"),
        ("writing, 3 rows", "transformers, dynamic cache"),
        ("training, B=2 T=32", "transformers, eager"),
    ]
    assert all(min(row["figure"]) > 0 and row["share"] == row["median"] / row["limit"] for row in found["rows"])
    page = (tmp_path / "new" / "gpu.md").read_text()
    assert page.count("| nextword, by torch |") == 3
    assert "opt-in is asked for with TorchEngine(model, compiled=True)" in page
    assert (tmp_path / "new" / "gpu.png").stat().st_size > 1000


def test_what_is_written_without_being_told_otherwise_has_no_mark() -> None:
    assert [named(by) for by in ("torch", "compile")] == [
        "nextword, by torch",
        "nextword, by compile (opt-in)",
    ]


def test_a_check_that_fails_is_told_and_ends_with_status_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numerics, "relative", lambda a, b: 1.0)
    assert run(monkeypatch, "--quick", "--part", "training", "--out", str(tmp_path)) == 1
    assert "**failed**: logits, float32: fused and plain are 1.0e+00 apart" in (tmp_path / "gpu.md").read_text()


def test_writers_that_write_something_else_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.decode.torch_step.Step.reach", lambda self, length: 1)
    assert run(monkeypatch, "--quick", "--no-peers", "--out", str(tmp_path)) == 1


def test_what_cannot_be_measured_is_named_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(training, "training_loss", fails)
    assert run(monkeypatch, "--quick", "--no-peers", "--out", str(tmp_path)) == 0
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["absent"] == {"training, B=2 T=32, eager": "RuntimeError: no such kernel"}
    assert len(found["rows"]) == 3


def test_without_a_gpu_only_the_quick_run_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert run(monkeypatch, "--out", str(tmp_path)) == 2
    assert "There is no GPU here" in capsys.readouterr().err
