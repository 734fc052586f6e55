import os
import time
from collections.abc import Callable

import pytest
from learn.conftest import LAYER_NORM, answer

from nextword.learn.checker.report import Report
from nextword.learn.course.checking import Checker, CheckingError
from nextword.learn.course.folder import Course

Check = Callable[..., Report]


def text(done: Report) -> str:
    return str(done.as_json()["text"])


def test_a_right_answer_passes_and_is_noted(course: Course, check: Check) -> None:
    assert check(answer("layer_norm", "bias-ignored")).mistakes[0]["name"] == "bias-ignored"
    done = check(answer("layer_norm"))
    assert (done.passed, done.n_right, done.sha256) == (True, done.n_probes, course.sha256("layer_norm"))
    record = course.progress["layer_norm"]
    assert (record.passed, record.attempts, record.overcome) == (True, 2, ("bias-ignored",))


def test_a_stub_is_no_attempt(course: Course, check: Check) -> None:
    assert check(None).status == "unfinished"
    assert course.progress["layer_norm"].attempts == 0


def test_code_that_ends_the_program(check: Check) -> None:
    done = check(f"import os\n\n\n{LAYER_NORM}    print('here', flush=True)\n    os._exit(7)\n")
    assert done.status == "crashed"
    assert "ended the program (exit status 7)" in text(done)
    assert done.output.startswith("here")
    assert "ends the program (exit)" in text(check(f"import sys\n\n\n{LAYER_NORM}    sys.exit(0)\n"))
    assert "while it is imported" in text(check("raise SystemExit\n"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="elsewhere a crash has no signal")
def test_code_that_crashes_python(check: Check) -> None:
    done = check(f"import ctypes\n\n\n{LAYER_NORM}    ctypes.string_at(0)\n")
    assert done.status == "crashed"
    assert "SIGSEGV" in text(done)
    assert "line 5: ctypes.string_at(0)" in text(done)


def test_a_flood_of_printing_is_cut(check: Check) -> None:
    done = check(f"{LAYER_NORM}    print('first')\n    print('x' * 10_000_000)\n    print('last')\n")
    assert done.status == "wrong"
    assert len(done.output) < 10_000
    assert done.output.startswith("first")
    assert done.output.rstrip().endswith("last")
    assert "bytes left out" in done.output


def test_input_and_closed_streams(check: Check) -> None:
    assert "nobody is there to answer input()" in text(check(f"{LAYER_NORM}    return input()\n"))
    closing = "import sys\n\n\nsys.stdout.close()\nsys.stdin = sys.stderr = None\n"
    assert check(closing + answer("layer_norm")).passed


def test_the_learners_code_may_go_elsewhere(check: Check) -> None:
    assert check("import os\n\n\nos.chdir('/')\n" + answer("layer_norm")).passed


def test_children_of_the_learners_code_do_not_hold_up_the_check(check: Check) -> None:
    start = time.monotonic()
    child = "import subprocess\n\n\nsubprocess.Popen(['sleep', '60'])\n"
    if os.name == "posix":
        assert check(child + answer("layer_norm")).passed
        assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    "forks", [pytest.param(True, marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="")), False]
)
def test_an_endless_loop_is_stopped_and_shown(course: Course, forks: bool) -> None:
    course.file("layer_norm").write_text(f"{LAYER_NORM}    while True:\n        pass\n")
    with Checker(time_limit=0.5, forks=forks) as checker:
        done = checker.check(course, "layer_norm")
        assert done.status == "timeout"
        assert "did not come to an end within 0.5 seconds" in text(done)
        assert f"{course.file('layer_norm').name}, line " in text(done)
        course.file("layer_norm").write_text(f"print('hello')\n{answer('layer_norm')}")
        checker.time_limit = 30
        done = checker.check(course, "layer_norm")
        assert (done.status, done.output.strip()) == ("passed", "hello")


def test_a_check_that_is_superseded_is_given_up(course: Course, checker: Checker) -> None:
    course.file("layer_norm").write_text(f"{LAYER_NORM}    while True:\n        pass\n")
    start = time.monotonic()
    assert checker.check_unless(course, "layer_norm", lambda: True) is None
    assert time.monotonic() - start < checker.time_limit / 2
    assert course.progress["layer_norm"].attempts == 0
    course.file("layer_norm").write_text(answer("layer_norm"))
    assert checker.check(course, "layer_norm").passed


def test_an_interrupt_ends_the_check_at_once(course: Course, checker: Checker) -> None:
    course.file("layer_norm").write_text(f"{LAYER_NORM}    while True:\n        pass\n")

    def interrupt() -> bool:
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        checker.check_unless(course, "layer_norm", interrupt)
    assert time.monotonic() - start < checker.time_limit / 2
    course.file("layer_norm").write_text(answer("layer_norm"))
    assert checker.check(course, "layer_norm").passed


def test_a_worker_that_cannot_start_is_told(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with Checker(forks=True) as checker, pytest.raises(CheckingError, match="has ended"):
        checker.check(course, "layer_norm")


def test_a_limit_must_be_a_limit() -> None:
    with pytest.raises(ValueError, match="--time-limit must be a number of seconds above 0, not 0"):
        Checker(time_limit=0)
