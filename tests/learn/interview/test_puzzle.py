from collections import Counter
from pathlib import Path

import pytest

from nextword.learn.checker.diagnosis import diagnose
from nextword.learn.checker.styles import run_source
from nextword.learn.interview.puzzle import FILE, InterviewError, Puzzle, choose_puzzle, puzzles, set_up

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_puzzle_is_wrong_as_it_is_given_and_right_once_mended(seed: int) -> None:
    puzzle = choose_puzzle(seed)
    assert diagnose(puzzle.exercise, run_source(puzzle.text(), "puzzle")).names == (puzzle.mistake.name,)
    assert diagnose(puzzle.exercise, run_source(puzzle.right, "mended")).status == "passed"


def test_there_are_many_and_a_seed_always_gives_the_same() -> None:
    assert len(puzzles()) >= 60
    assert choose_puzzle(5) == choose_puzzle(5)
    assert len({choose_puzzle(seed).mistake.name for seed in range(40)}) >= 15


def test_exercises_with_many_mistakes_do_not_come_more_often() -> None:
    asked = Counter(choose_puzzle(seed).exercise.name for seed in range(200))
    possible = {puzzle.exercise.name for puzzle in puzzles()}
    assert max(asked.values()) <= 4 * 200 / len(possible)


def test_no_puzzle_gives_itself_away() -> None:
    for puzzle in puzzles():
        assert "#~" not in puzzle.planted
        assert puzzle.planted != puzzle.right
        assert "if False" not in puzzle.planted


def a_puzzle() -> Puzzle:
    return next(puzzle for puzzle in puzzles() if puzzle.mistake.name == "unbiased-variance")


def test_the_changes_show_the_planted_line_and_the_right_one() -> None:
    planted, right = a_puzzle().changes()
    assert planted.startswith("- ")
    assert right.startswith("+ ")
    assert ".sum(-1, keepdim=True) / (x.size(-1) - 1)" in planted


def test_it_is_set_up_as_a_folder_that_can_be_checked(tmp_path: Path) -> None:
    course = set_up(a_puzzle(), tmp_path / "interview")
    assert course.files("layer_norm") == [(tmp_path / "interview" / FILE).resolve()]
    text = (tmp_path / "interview" / FILE).read_text()
    assert "One mistake is planted in this file" in text
    assert "unbiased" not in text


def test_the_puzzle_before_is_kept(tmp_path: Path) -> None:
    set_up(a_puzzle(), tmp_path)
    (tmp_path / FILE).write_text("mine")
    set_up(a_puzzle(), tmp_path)
    assert (tmp_path / f"{FILE}.1.bak").read_text() == "mine"


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InterviewError, match="holds other things than a puzzle"):
        set_up(a_puzzle(), tmp_path)
