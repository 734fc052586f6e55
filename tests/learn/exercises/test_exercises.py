"""What holds for every exercise; `pytest -k layer_norm` checks one of them."""

from itertools import combinations
from pathlib import Path

import pytest

import nextword.learn.exercises
from nextword.learn.checker.audit import audit, unplanted
from nextword.learn.checker.comparing import same
from nextword.learn.checker.diagnosis import expected
from nextword.learn.checker.exercise import RIGHT
from nextword.learn.checker.parts import OurParts
from nextword.learn.checker.styles import run_source, styles
from nextword.learn.checker.track import TRACK

each = pytest.mark.parametrize("name", TRACK.names)


@each
def test_it_is_called_what_its_file_is_called(name: str) -> None:
    assert TRACK[name].name == name


@each
def test_every_answer_is_diagnosed_as_what_it_is(name: str) -> None:
    wrong = [trial for trial in audit(TRACK[name]) if not trial.right]
    assert not wrong


@each
def test_every_mistake_is_planted_in_two_styles(name: str) -> None:
    assert unplanted(TRACK[name]) == []


@each
def test_styles_plant_only_mistakes_that_the_exercise_knows(name: str) -> None:
    known = {mistake.name for mistake in TRACK[name].mistakes}
    for style in styles(name):
        assert set(style.mistakes) <= known, style.name


@each
def test_the_probes_tell_all_mistakes_apart(name: str) -> None:
    exercise = TRACK[name]
    kinds = {"the right answer": RIGHT, **{m.name: frozenset({m.name}) for m in exercise.mistakes}}
    for (a, with_a), (b, with_b) in combinations(kinds.items(), 2):
        pairs = zip(expected(exercise, with_a), expected(exercise, with_b), strict=True)
        assert not all(same(x, y) and same(y, x) for x, y in pairs), f"{a} and {b} look the same"


@each
def test_the_stub_runs_and_holds_our_docstrings(name: str) -> None:
    exercise = TRACK[name]
    module = run_source(exercise.code(), f"stub_{name}")
    assert '"""@' not in exercise.code()
    for symbol in exercise.symbols:
        assert getattr(module, symbol).__doc__, symbol


@each
def test_our_own_has_the_stubs_names(name: str) -> None:
    for symbol in TRACK[name].symbols:
        assert TRACK[name].ours(symbol) is getattr(OurParts("parts"), symbol)


@each
def test_its_texts_are_there(name: str) -> None:
    exercise = TRACK[name]
    assert len(exercise.hints) >= 2
    assert exercise.task.strip()
    for mistake in exercise.mistakes:
        assert mistake.remedy.endswith("."), mistake.name
        assert mistake.why.endswith("."), mistake.name
        assert not mistake.equals.endswith("."), mistake.name
    for text in (exercise.task, *exercise.hints):
        assert max(map(len, text.splitlines())) <= 120 or text in exercise.hints


def test_every_exercise_has_a_chapter() -> None:
    folders = {path.parent.name for path in Path(nextword.learn.exercises.__path__[0]).glob("*/exercise.py")}
    assert folders == {name for names in TRACK.chapters.values() for name in names}
