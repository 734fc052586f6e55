import pytest
import torch

from nextword.bench import rates


def test_products_are_counted_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "fastest", lambda work: (work(), 0.5)[1])
    # A block of width 4 has 12 times 4 by 4 weights, and each costs two operations a token.
    assert rates.Meter().gemm("float32", 4, 10) == 2 * 10 * 12 * 4 * 4 / 0.5
    assert rates.Meter().gemm("bfloat16", 4, 10) == 2 * 10 * 12 * 4 * 4 / 0.5


def test_reading_reads_the_whole_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "fastest", lambda work: (work() == 250) * 0.5)
    assert rates.Meter().read(1000) == 1000 / 0.5


def test_the_fastest_of_several_runs_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 3.0, 10.0, 11.0, 20.0, 22.0, 30.0, 35.0, 40.0, 49.0])
    monkeypatch.setattr(rates.time, "perf_counter", lambda: next(clock))
    calls: list[bool] = []
    assert rates.fastest(lambda: calls.append(torch.is_inference_mode_enabled())) == 1.0
    assert calls == [True] * 6  # one to warm up
