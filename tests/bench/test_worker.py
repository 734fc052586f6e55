from collections.abc import Iterator
from pathlib import Path

import pytest

from nextword.bench.worker import ProgramError, Worker, peak_memory


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker("programs:Steady", 3, {"PYTHONPATH": str(Path(__file__).parent), "EXTRA": "here"}) as worker:
        yield worker


def test_calls_are_answered_in_order_whatever_is_printed_meanwhile(worker: Worker) -> None:
    for value in (1, "two", [3.5, None]):
        answer = worker.call("echo", value)
        assert answer.value == value
        assert 0 <= answer.seconds < 10
        assert answer.peak_memory > 1 << 20
    assert worker.call("echo", Path("a/b")).value == str(Path("a/b"))
    assert worker.call("threads").value == ["3", "here"]


def test_a_failure_is_told_and_the_worker_lives_on(worker: Worker) -> None:
    with pytest.raises(ProgramError, match="fail: ValueError: no such weights"):
        worker.call("fail")
    assert worker.call("echo", 1).value == 1


def test_a_death_is_told_with_its_last_words(worker: Worker) -> None:
    for method in ("die", "echo"):  # and whoever calls the dead is told so again
        with pytest.raises(ProgramError, match=r"status 7.*out of luck"):
            worker.call(method, *[1] * (method == "echo"))


def test_memory_grows_with_what_is_held() -> None:
    before = peak_memory()
    held = b"x" * (256 << 20)
    assert peak_memory() - before > 0.5 * len(held) or before > len(held)
