import json
import threading
from pathlib import Path

import pytest

from nextword.learn.course.progress import Progress, ProgressError


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path / ".progress.json")


def test_nothing_was_done_at_first(progress: Progress) -> None:
    record = progress["layer_norm"]
    assert (record.passed, record.attempts, record.hints, record.mistakes) == (False, 0, 0, {})
    assert not progress.path.exists()


def test_a_mistake_is_overcome_when_the_exercise_passes(progress: Progress) -> None:
    progress.checked("gelu", False, "a", ["erf"])
    assert progress["gelu"].overcome == ()
    progress.checked("gelu", True, "b")
    assert progress["gelu"].overcome == ("erf",)
    assert progress["gelu"].passed_at


def test_the_same_code_again_is_no_other_attempt(progress: Progress) -> None:
    for sha256 in ("a", "a", "b"):
        progress.checked("gelu", False, sha256, ["erf"])
    progress.checked("gelu", False, "stub", attempted=False)
    assert (progress["gelu"].attempts, progress["gelu"].mistakes) == (2, {"erf": 2})


def test_hints_end(progress: Progress) -> None:
    assert [progress.hinted("gelu", 2).hints for _ in range(3)] == [1, 2, 2]


def test_two_processes_lose_nothing_of_each_other(progress: Progress) -> None:
    def hint(name: str) -> None:
        for _ in range(10):
            Progress(progress.path).hinted(name, 100)

    threads = [threading.Thread(target=hint, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: record.hints for name, record in progress.read().items()} == {"a": 10, "b": 10, "c": 10}


@pytest.mark.parametrize("text", ["", "[]", '{"exercises": {"gelu": 3}}', '{"exercises": {"gelu": {"unknown": 1}}}'])
def test_a_file_that_is_not_ours_is_told_and_kept(progress: Progress, text: str) -> None:
    progress.path.write_text(text)
    with pytest.raises(ProgressError, match="cannot be read as progress"):
        progress.hinted("gelu", 3)
    assert progress.path.read_text() == text


def test_the_file_says_its_version(progress: Progress) -> None:
    progress.hinted("gelu", 3)
    assert json.loads(progress.path.read_text())["version"] == 1
