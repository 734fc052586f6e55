import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.conftest import Cli

from nextword.cli.learn_interview import Interview, clock_time
from nextword.learn.checker.lines import text_of
from nextword.learn.course.checking import Checker
from nextword.learn.interview.asking import Grades, Session, choose
from nextword.learn.interview.puzzle import FILE, Puzzle, puzzles, set_up


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with Checker() as checker:
        yield checker


def a_puzzle() -> Puzzle:
    return next(puzzle for puzzle in puzzles() if puzzle.mistake.name == "unbiased-variance")


class Held:
    """An interview whose keys are typed beforehand, and what it said."""

    def __init__(self, folder: Path, checker: Checker, keys: list[str], seconds: float = 60.0, n_questions: int = 2):
        self.puzzle = a_puzzle()
        self.course = set_up(self.puzzle, folder)
        self.grades = Grades(folder / "grades.json")
        typed = queue.Queue[str]()
        for key in keys:
            typed.put(key)
        said: list[str] = []
        questions = choose(n_questions, seed=1) if n_questions else ()
        session = Session(questions, self.grades)
        self.interview = Interview(
            self.puzzle, self.course, checker, session, typed, seconds, say=lambda lines: said.append(text_of(lines))
        )
        self.said = said

    def run(self) -> str:
        self.solved = self.interview.run()
        return "\n".join(self.said)


def test_a_wrong_file_is_not_explained_before_the_end(tmp_path: Path, checker: Checker) -> None:
    held = Held(tmp_path, checker, ["c", "g"], n_questions=0)
    text = held.run()
    before, _, after = text.partition("Given up")
    assert "Not yet: " in before
    assert "experiments agree" in before
    assert "unbiased" not in before
    assert "a LayerNorm with the unbiased variance" in after
    assert "+ " in after
    assert not held.solved


def test_a_mended_file_is_solved(tmp_path: Path, checker: Checker) -> None:
    held = Held(tmp_path, checker, ["c"], n_questions=0)
    (tmp_path / FILE).write_text(held.puzzle.right)
    assert "Found and mended in 0:0" in held.run()
    assert held.solved


def test_time_runs_out(tmp_path: Path, checker: Checker) -> None:
    held = Held(tmp_path, checker, [], seconds=0.05, n_questions=0)
    assert "Time is up" in held.run()
    assert not held.solved


def test_questions_are_answered_graded_and_summed_up(tmp_path: Path, checker: Checker) -> None:
    held = Held(tmp_path, checker, ["g", "", "k", "", "what", "n"])
    text = held.run()
    first, second = held.interview.session.questions
    assert first.ask in text
    assert second.answer.splitlines()[1].strip() in text
    assert held.grades.read() == {first.id: "knew", second.id: "no"}
    to_read = text.partition("To read again:")[2]
    assert second.ask in to_read
    assert first.ask not in to_read
    assert second.cites[0].where() in to_read


def test_quitting_ends_it_at_once(tmp_path: Path, checker: Checker) -> None:
    text = Held(tmp_path, checker, ["q"]).run()
    assert "Quit, after" in text
    assert "Question 1" not in text


def test_without_a_terminal_the_puzzle_is_written_and_the_questions_are_asked(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, _ = cli("learn", "interview", "--seed", 3, "--questions", 4)
    assert status == 0
    assert (tmp_path / "interview" / FILE).exists()
    assert "4. " in out
    assert "--dir interview" in " ".join(out.split())


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [("--minutes", 0, "--minutes must be above 0"), ("--questions", -1, "--questions must be at least 0")],
)
def test_settings_that_mean_nothing(cli: Cli, flag: str, value: int, message: str) -> None:
    status, _, err = cli("learn", "interview", flag, value)
    assert status == 2
    assert message in err


def test_seconds_as_a_clock_shows_them() -> None:
    assert [clock_time(seconds) for seconds in (-3, 0.4, 59.6, 725)] == ["0:00", "0:00", "1:00", "12:05"]
