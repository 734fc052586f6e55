"""What `nextword learn solution` prints passes, wherever in the exercise's file it is put."""

import inspect

import pytest

from nextword.learn.checker.diagnosis import diagnose
from nextword.learn.checker.styles import run_source
from nextword.learn.checker.track import TRACK
from nextword.learn.course.solution import printed
from nextword.learn.course.starting import exercise_file

MAIN = "\n\nif __name__"


@pytest.mark.parametrize("name", TRACK.names)
def test_it_passes_in_the_place_of_the_stub_and_below_it(name: str) -> None:
    exercise, solution = TRACK[name], printed(TRACK[name])
    file = exercise_file(exercise)
    header, code, main = file[: file.index(exercise.code().strip())], exercise.code(), file[file.index(MAIN) :]
    for source in (header + solution + main, header + code + solution + main, file + solution):
        assert diagnose(exercise, run_source(source, f"solution_{name}")).status == "passed"


@pytest.mark.parametrize("name", TRACK.names)
def test_its_definitions_alone_pass_with_its_imports_and_not_the_stub_s(name: str) -> None:
    assert diagnose(TRACK[name], run_source(printed(TRACK[name]), f"alone_{name}")).status == "passed"


@pytest.mark.parametrize("name", TRACK.names)
def test_it_is_about_as_long_as_what_is_asked_for(name: str) -> None:
    exercise = TRACK[name]
    stub = len(exercise.code().splitlines())
    documented = sum(len((inspect.getdoc(exercise.ours(symbol)) or "").splitlines()) for symbol in exercise.symbols)
    assert len(printed(exercise).splitlines()) <= stub + documented + 22, "it prints more than the exercise"
