import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TINY, randomize

from nextword.errors import WeightsError
from nextword.model import GPT
from nextword.serve.following import Follower
from nextword.serve.watched_run import WatchedRun
from nextword.train.run_directory import RunDirectory
from nextword.weights import save_huggingface

SECONDS = 0.02


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "run", {})


def save(run: RunDirectory, step: int) -> None:
    """As a trainer does: a checkpoint, whose weights become the run's."""
    model = GPT(TINY)
    randomize(model, seed=step)
    checkpoint = run.checkpoints / f"step-{step:08d}"
    save_huggingface(model, checkpoint)
    (checkpoint / "manifest.json").write_text("{}")
    run.publish(checkpoint)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_a_run_saves_is_taken_up(run: RunDirectory) -> None:
    watched, taken = WatchedRun(run.path), []
    follower = Follower(watched, lambda: taken.append, watched.weights(), SECONDS)
    for step in (10, 20):
        save(run, step)
        until(lambda step=step: taken[-1:] == [step])
    time.sleep(5 * SECONDS)
    follower.close()
    assert taken == [10, 20]  # each once


def test_weights_that_came_while_the_first_were_loaded_are_not_missed(run: RunDirectory) -> None:
    watched, taken = WatchedRun(run.path), []
    save(run, 10)
    known = watched.weights()
    save(run, 20)
    follower = Follower(watched, lambda: taken.append, known, SECONDS)
    until(lambda: taken == [20])
    follower.close()


def test_weights_that_are_replaced_while_they_are_loaded_are_loaded_anew(run: RunDirectory) -> None:
    watched, taken, loaded = WatchedRun(run.path), [], []

    def load() -> Callable[[int], None]:
        loaded.append(watched.saved_step())
        if len(loaded) == 1:
            save(run, 20)  # what was read may be of either step
        return taken.append

    follower = Follower(watched, load, watched.weights(), SECONDS)
    save(run, 10)
    until(lambda: taken != [])
    follower.close()
    assert (loaded, taken) == ([10, 20], [20])


def test_the_same_trouble_is_told_once_and_tried_less_and_less(
    run: RunDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    watched, taken, tried = WatchedRun(run.path), [], []

    def load() -> Callable[[int], None]:
        tried.append(watched.saved_step())
        if tried[-1] == 10:
            raise RuntimeError("no room")  # of PyTorch's own kind, as where memory runs out
        return taken.append

    follower = Follower(watched, load, watched.weights(), SECONDS)
    save(run, 10)
    until(lambda: len(tried) == 4)  # after 1, 1, 2 and 4 looks
    time.sleep(3 * SECONDS)
    assert len(tried) == 4
    assert caplog.text.count("could not be taken up") == 1
    save(run, 20)
    until(lambda: taken == [20])  # and not only after 8 looks
    follower.close()


def test_weights_that_cannot_be_taken_up_are_tried_again(run: RunDirectory, caplog: pytest.LogCaptureFixture) -> None:
    watched, taken = WatchedRun(run.path), []

    tried = []

    def load() -> Callable[[int], None]:
        tried.append(1)
        if len(tried) == 1:
            raise WeightsError("half a file")
        return taken.append

    follower = Follower(watched, load, watched.weights(), SECONDS)
    save(run, 10)
    until(lambda: taken == [10])
    follower.close()
    assert len(tried) == 2
    assert "could not be taken up: half a file" in caplog.text
