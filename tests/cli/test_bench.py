import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli.conftest import Cli

from nextword.bench import benchmark, workload
from nextword.bench.workload import Workload

TINY = Workload(
    repeats=1,
    precisions=("float32",),
    prompt_tokens=6,
    new_tokens=4,
    prefill_tokens=20,
    batches=(2,),
    batch_new_tokens=2,
    training=((2, 16),),
    n_updates=1,
    cold_precisions=("float32",),
)


def test_a_benchmark_from_its_beginning_to_its_end(
    cli: Cli, model_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workload, "USUAL", TINY)
    monkeypatch.setattr(benchmark, "BUFFERS", (1 << 20,))
    status, out, err = cli("bench", "--model", model_directory, "--threads", 1, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    found = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert found["absent"] == {}
    works = {row["work"]: row for row in found["rows"]}
    assert list(works) == [
        "import and load",
        "decode, 1 text",
        "decode, 2 texts",
        "prefill, 20 tokens",
        "cold start, first token",
        "training, B=2 T=16",
    ]
    for work, row in works.items():
        assert row["program"] == "nextword"
        assert row["median"] > 0
        assert work in out
        assert (row["limit"] is None) == (work in ("import and load", "cold start, first token"))
    assert (tmp_path / "out" / "benchmark.png").stat().st_size > 1000
    assert "share of the limit" in (tmp_path / "out" / "benchmark.md").read_text()


def test_quick_is_shorter_in_everything(cli: Cli) -> None:
    assert workload.QUICK.repeats < workload.USUAL.repeats
    assert replace(workload.QUICK, repeats=workload.USUAL.repeats) != workload.USUAL


def test_what_cannot_be_measured_is_told_before_anything_is(cli: Cli) -> None:
    status, _, err = cli("bench", "--model", "no/such/model")
    assert status == 2
    assert "no/such/model" in err
    assert cli("bench", "--threads", "0") == (2, "", "nextword: --threads must be at least 1, not 0.\n")


def test_the_engine_that_is_asked_for_is_measured(
    cli: Cli, model_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def stop(*arguments: object, **_: object) -> None:
        measured.append(arguments[4])
        raise ValueError("enough")

    monkeypatch.setattr(benchmark, "benchmark", stop)
    for flags in ((), ("--engine", "plain"), ("--engine", "torch")):
        assert cli("bench", "--model", model_directory, *flags)[0] == 2
    assert measured == [(f"nextword.bench.own:Nextword{engine}",) for engine in ("", "Plain", "Torch")]
