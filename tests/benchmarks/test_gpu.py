"""The GPU's benchmark, tried out on a tiny model wherever this runs."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_benchmark"] = module  # where dataclasses look for their module
    spec.loader.exec_module(module)
    return module


def run(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["gpu.py", *arguments])
    return gpu.main()  # type: ignore[no-any-return]


def test_the_quick_run_measures_and_checks_everything(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers", reason="transformers (extra: test) is the peer")
    assert run(gpu, monkeypatch, "--quick", "--out", str(tmp_path / "new")) == 0
    report = json.loads((tmp_path / "new" / "gpu.json").read_text())
    assert report["absent"] == {}
    assert len(report["checks"]) == 6
    assert all(passed for _, passed in report["checks"])
    assert [(row["work"], row["program"]) for row in report["rows"]] == [
        ("writing, 1 row", "nextword, by torch"),
        ("writing, 3 rows", "nextword, by torch"),
        ("6 prompts on 3 rows, reading included", "nextword, by torch"),
        ("training, B=2 T=32", "nextword, eager"),
        ("writing, 1 row", "transformers, dynamic cache"),
        ("writing, 3 rows", "transformers, dynamic cache"),
        ("training, B=2 T=32", "transformers, eager"),
    ]
    assert all(0 < row["low"] <= row["rate"] <= row["high"] for row in report["rows"])
    page = (tmp_path / "new" / "gpu.md").read_text()
    assert page.count("| nextword, by torch |") == 3


def test_a_check_that_fails_is_told_and_ends_with_status_1(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "relative", lambda a, b: 1.0)
    assert run(gpu, monkeypatch, "--quick", "--no-peers", "--out", str(tmp_path)) == 1
    assert "**failed**: logits, float32: fused and plain are 1.0e+00 apart" in (tmp_path / "gpu.md").read_text()


def test_writers_that_write_something_else_are_noticed(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextword.model.cache.RowCache.advance", lambda self, T: None)
    assert run(gpu, monkeypatch, "--quick", "--no-peers", "--out", str(tmp_path)) == 1


def test_what_cannot_be_measured_is_named_and_the_rest_goes_on(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(gpu, "training_loss", fails)
    monkeypatch.setattr(gpu, "check_update", lambda *_: None)
    assert run(gpu, monkeypatch, "--quick", "--no-peers", "--out", str(tmp_path)) == 0
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert report["absent"] == {"training, B=2 T=32, eager": "RuntimeError: no such kernel"}
    assert len(report["rows"]) == 3


def test_without_a_gpu_only_the_quick_run_is_made(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert run(gpu, monkeypatch, "--out", str(tmp_path)) == 2
    assert "There is no GPU here" in capsys.readouterr().err
