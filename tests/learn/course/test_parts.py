import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from learn.conftest import answer

from nextword.learn.checker.parts import OurParts
from nextword.learn.checker.report import Report
from nextword.learn.course.folder import Course
from nextword.learn.course.parts import LearnersParts
from nextword.model import block, plain

Check = Callable[..., Report]

DOUBLED = "def softmax(x):\n    return 2 * x.softmax(-1)\n"


def accept(course: Course, name: str, source: str) -> None:
    """Write an exercise's file, and note that it has passed, whatever is in it."""
    course.file(name).write_text(source)
    course.progress.checked(name, True, course.sha256(name))


def test_ours_are_there_at_first(course: Course) -> None:
    parts = LearnersParts(course.path)
    assert parts.softmax is plain.softmax
    assert parts.GPTConfig is OurParts("parts").GPTConfig
    assert isinstance(parts.LayerNorm(4), block.LayerNorm)
    assert parts.notes == []


def test_the_learners_is_taken_once_it_has_passed(course: Course) -> None:
    accept(course, "softmax", DOUBLED)
    parts = LearnersParts(course.path)
    assert parts.softmax(torch.zeros(4)).sum() == 2
    assert parts.softmax is parts.softmax


def test_not_if_it_has_changed_since(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    accept(course, "softmax", DOUBLED)
    course.file("softmax").write_text(DOUBLED + "\n")
    parts = LearnersParts(course.path)
    assert parts.softmax is plain.softmax
    assert parts.softmax is plain.softmax
    assert capsys.readouterr().err.count("has changed since it passed: nextword learn check") == 1


@pytest.mark.parametrize("source", ["def softmax(x)", "import nowhere", "raise SystemExit", "x = 1", "1 / 0"])
def test_what_cannot_be_imported_does_no_harm(course: Course, source: str) -> None:
    accept(course, "softmax", source)
    parts = LearnersParts(course.path)
    assert parts.softmax is plain.softmax
    assert "softmax is nextword's own here" in parts.notes[0]
    assert "cannot be imported" in parts.notes[0]


def test_files_that_import_each_other_do_no_harm(course: Course) -> None:
    accept(course, "softmax", "from parts import gelu\n" + DOUBLED)
    accept(course, "gelu", "from parts import softmax\n\n\ndef gelu(x):\n    return 7 * softmax(x)\n")
    parts = LearnersParts(course.path)
    assert parts.softmax(torch.zeros(4)).sum() == 2
    assert parts.gelu(torch.zeros(4)).sum() == 7
    assert "import each other" in parts.notes[0]


def test_layer_norm_computes_with_the_learners_function(course: Course) -> None:
    accept(course, "layer_norm", "def layer_norm(x, weight, bias, eps=1e-5):\n    return x + 7 * weight\n")
    norm = LearnersParts(course.path).LayerNorm(4)
    assert torch.equal(norm(torch.zeros(2, 4)), torch.full((2, 4), 7.0))
    assert [name for name, _ in norm.named_parameters()] == ["weight", "bias"]


def test_a_part_that_there_is_not(course: Course) -> None:
    with pytest.raises(ImportError, match="no part 'softmaks': did you mean softmax"):
        _ = LearnersParts(course.path).softmaks
    assert not hasattr(LearnersParts(course.path, tell_all=True), "softmaks")


def test_what_is_to_be_written_cannot_be_imported(check: Check) -> None:
    done = check("from parts import softmax\n", "softmax")
    assert done.status == "unreadable"
    assert "softmax is what this exercise asks you to write" in done.as_json()["text"]


def test_a_check_uses_the_learners_parts(course: Course, check: Check) -> None:
    source = "from parts import softmax\n\n\ndef layer_norm(*_, **__):\n    print(softmax.__module__)\n"
    assert check(source).output.startswith("nextword.model.plain")
    assert check(answer("softmax"), "softmax").passed
    assert check(source).output.startswith(course.file("softmax").stem)


def test_the_folder_is_a_package_for_others(course: Course, tmp_path: Path) -> None:
    accept(course, "softmax", DOUBLED)
    code = "from my_gpt2 import softmax, gelu; print(softmax.__module__, gelu.__module__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [course.file("softmax").stem, "nextword.model.plain"], done.stderr
    assert "gelu.py has not passed its check" in done.stderr
