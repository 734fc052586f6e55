import ast
import subprocess
import sys
from pathlib import Path

import pytest
from learn.conftest import answer

from nextword.learn import check_file
from nextword.learn.checker.track import TRACK
from nextword.learn.course.folder import Course, CourseError
from nextword.learn.course.starting import exercise_file, init, reset


@pytest.mark.parametrize("name", TRACK.names)
def test_each_file_is_python_and_begins_with_its_task(name: str) -> None:
    tree = ast.parse(exercise_file(TRACK[name]))
    doc = ast.get_docstring(tree) or ""
    assert doc.startswith(f"Exercise {TRACK.number(name)} of {len(TRACK)}, {TRACK.chapter(name)}: {TRACK[name].title}")
    assert TRACK[name].task.strip().splitlines()[-1] in doc
    assert f"nextword learn hint {TRACK.number(name)}" in doc


def test_init_writes_what_is_needed(tmp_path: Path) -> None:
    begun = init(tmp_path / "my_gpt2")
    assert not begun.was_there
    names = {file.name for file in begun.written}
    assert names == {file.name for file in (tmp_path / "my_gpt2").iterdir()}
    assert {"README.md", "learn.toml", "parts.py", "__init__.py"} < names
    assert len(names) == len(TRACK) + 4


def test_init_never_overwrites(course: Course) -> None:
    file = course.file("layer_norm")
    file.write_text("mine")
    (course.path / "README.md").write_text("mine, too")
    gone = course.file(TRACK.names[0])
    gone.unlink()
    begun = init(course.path)
    assert begun.was_there
    assert begun.written == (gone,)
    assert (file.read_text(), (course.path / "README.md").read_text()) == ("mine", "mine, too")


def test_a_file_keeps_its_number_when_exercises_are_added(course: Course) -> None:
    file = course.file("layer_norm")
    old = file.rename(file.with_name("ex99_layer_norm.py"))
    assert course.file("layer_norm") == old
    assert init(course.path).written == ()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert init(tmp_path).written
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").touch()
    with pytest.raises(CourseError, match="holds other things already"):
        init(other)
    with pytest.raises(CourseError, match="is a file"):
        init(other / "thesis.tex")


def test_reset_keeps_backups(course: Course) -> None:
    file = course.file("layer_norm")
    for number in (1, 2):
        file.write_text(f"attempt {number}")
        backup = reset(course, "layer_norm")
        assert backup is not None
        assert backup.name == f"{file.name}.{number}.bak"
        assert backup.read_text() == f"attempt {number}"
        assert file.read_text() == exercise_file(TRACK["layer_norm"])
    file.unlink()
    assert reset(course, "layer_norm") is None


def test_reset_opens_an_exercise_again(course: Course) -> None:
    course.progress.checked("layer_norm", True, course.sha256("layer_norm"), ["bias-ignored"])
    reset(course, "layer_norm")
    assert course.states()["layer_norm"] == "tried"
    assert course.progress["layer_norm"].mistakes == {"bias-ignored": 1}


def test_reset_leaves_files_alone_that_are_not_ours(course: Course) -> None:
    (course.path / "learn.toml").write_text('[exercises]\nlayer_norm = "model.py:norm"\n')
    with pytest.raises(CourseError, match=r"stands in model.py, a file of yours"):
        reset(Course(course.path), "layer_norm")


def test_a_file_runs_alone(course: Course) -> None:
    file = course.file("layer_norm")
    end = file.read_text()[file.read_text().index("\n\nif __name__") :]
    file.write_text(answer("layer_norm", "bias-ignored") + end)
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "LayerNorm: not yet." in done.stdout
    assert "a LayerNorm that does not use its bias" in done.stdout


def test_a_file_that_is_no_exercises_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, words in (
        ("model.py", "There is no exercise 'model.py'"),
        ("ex01_gelu.py", "To begin: nextword learn init"),
    ):
        with pytest.raises(SystemExit) as stopped:
            check_file(str(tmp_path / name))
        assert stopped.value.code == 2
        assert words in capsys.readouterr().err
