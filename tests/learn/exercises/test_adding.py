"""Adding an exercise is adding a folder: this one is made elsewhere, found, shown, checked, and audited."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nextword.learn.exercises
from nextword.learn.checker.audit import audit, unplanted
from nextword.learn.checker.diagnosis import diagnose
from nextword.learn.checker.exercise import Exercise
from nextword.learn.checker.lines import text_of
from nextword.learn.checker.styles import run_source
from nextword.learn.checker.track import TRACK
from nextword.learn.checker.wording import report
from nextword.learn.course.starting import init

FILES = {
    "__init__.py": '''"""ReLU: the bend that came before GELU."""

CHAPTER, PLACE = "parts", 2.5
''',
    "exercise.py": '''"""ReLU: the bend that came before GELU."""

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers

EXERCISE = exercise_in(
    __file__,
    title="ReLU",
    task="Let positive numbers pass, and put 0 in the place of the others.",
    symbols={"rectify": "torch.nn.functional:relu"},
    hints=("Numbers below 0 are to become 0.", "torch.clamp has an argument min."),
    reference="clamped",
    probes=(
        Probe("three numbers", lambda solution: solution.rectify(torch.tensor([-1.0, 0.5, 2.0]))),
        Probe("two tokens of four numbers", lambda solution: solution.rectify(numbers(2, 4))),
    ),
)
''',
    "stub.py": '''from torch import Tensor


def rectify(x: Tensor) -> Tensor:
    """@rectify"""
    ...
''',
    "mistakes.toml": '''[[mistake]]
name = "upside-down"
equals = "a ReLU that lets negative numbers pass"
remedy = "Put 0 in the place of what is below 0."
why = """
A bound from above and one from below are easily
taken for each other."""

[[mistake]]
name = "size-only"
equals = "the size of each number, without its sign"
remedy = "Put 0 in the place of what is below 0, and not its size."
why = "Both have no negative numbers."
''',
    "answers/clamped.py": """def rectify(x):
    return x.clamp(min=0)
    #~ upside-down: return x.clamp(max=0)
    #~ size-only: return x.abs()
""",
    "answers/half.py": """def rectify(x):
    size = x.abs()
    #~ upside-down: size = -x.abs()
    return (x + size) / 2
    #~ size-only: return size
""",
}


@pytest.fixture
def relu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exercise]:
    for name, text in FILES.items():
        file = tmp_path / "more" / "relu" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert "relu" not in TRACK.names
    monkeypatch.delitem(vars(TRACK), "chapters")
    package = nextword.learn.exercises
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "more")])
    yield TRACK["relu"]
    for name in ("relu", "relu.exercise"):
        sys.modules.pop(f"{package.__name__}.{name}")


def test_it_is_found_where_its_place_is(relu: Exercise) -> None:
    assert relu.name == "relu"
    assert TRACK.names.count("relu") == 1
    assert TRACK.names[TRACK.number("layer_norm")] == "relu"
    assert TRACK.chapter("relu") == "parts"


def test_a_learner_s_folder_has_its_file(relu: Exercise, tmp_path: Path) -> None:
    course = init(tmp_path / "my_gpt2").course
    assert course.file("relu").name == "ex08_relu.py"
    assert "8. ReLU" in (course.path / "README.md").read_text(encoding="utf-8")
    stub = run_source(course.file("relu").read_text(encoding="utf-8"), "ex08_relu")
    assert diagnose(relu, stub).status == "unfinished"


def test_it_is_checked(relu: Exercise) -> None:
    answer = run_source("def rectify(x):\n    return abs(x)\n", "answer")
    said = text_of(report(relu, diagnose(relu, answer), "ex08_relu.py", answer).lines)
    assert "Your answer equals the size of each number, without its sign." in said


def test_its_answers_prove_that_its_mistakes_are_named(relu: Exercise) -> None:
    trials = list(audit(relu))
    assert [trial.answer for trial in trials if trial.mistake] == ["clamped", "clamped", "half", "half"]
    assert [trial for trial in trials if not trial.right] == []
    assert unplanted(relu) == []
