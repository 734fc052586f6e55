from pathlib import Path

import pytest
from learn.conftest import answer

from nextword.learn.checker.track import TRACK
from nextword.learn.course.folder import Course, CourseError, exercise_named, find

NUMBER = TRACK.number("layer_norm")


def test_exercises_have_numbers_names_and_files() -> None:
    for text in (
        str(NUMBER),
        "layer_norm",
        "layer-norm",
        f"ex{NUMBER:02}_layer_norm.py",
        f"a/ex{NUMBER:02}_layer_norm",
    ):
        assert exercise_named(text) == "layer_norm"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", "There is no exercise 0: they go from 1 to"),
        ("999", "There is no exercise 999"),
        ("layernorm", "Did you mean layer_norm"),
        ("zzz", "nextword learn list"),
    ],
)
def test_what_is_no_exercise_is_told(text: str, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        exercise_named(text)


def test_the_folder_is_found_from_around_it(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = course.path / "notes" / "deep"
    deep.mkdir(parents=True)
    for here in (course.path, course.path.parent, deep):
        monkeypatch.chdir(here)
        assert find().path.resolve() == course.path.resolve()


def test_a_folder_of_another_name_is_found_if_it_is_the_only_one(course: Course, tmp_path: Path) -> None:
    course.path.rename(tmp_path / "mine")
    assert find(start=tmp_path).path == tmp_path / "mine"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "learn.toml").touch()
    with pytest.raises(CourseError, match="mine, other are: choose one with --dir"):
        find(start=tmp_path)


def test_where_there_is_none_it_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="To begin: nextword learn init"):
        find(start=tmp_path)
    with pytest.raises(CourseError, match=f"nextword learn init {tmp_path}"):
        find(str(tmp_path))


def test_states(course: Course) -> None:
    assert set(course.states().values()) == {"new"}
    file = course.file("layer_norm")
    course.progress.checked("layer_norm", False, course.sha256("layer_norm"))
    assert course.states()["layer_norm"] == "tried"
    course.progress.checked("layer_norm", True, course.sha256("layer_norm"))
    assert course.states()["layer_norm"] == "passed"
    file.write_text(file.read_text() + "\n")
    assert course.states()["layer_norm"] == "changed"
    file.unlink()
    assert course.states()["layer_norm"] == "changed"


def test_the_current_exercise_is_the_first_that_has_not_passed(course: Course) -> None:
    assert course.current() == TRACK.names[0]
    course.progress.checked(TRACK.names[0], True, course.sha256(TRACK.names[0]))
    assert course.current() == TRACK.names[1]
    assert course.current(after=TRACK.names[2]) == TRACK.names[3]
    assert course.current(after=TRACK.names[-1]) == TRACK.names[1]
    for name in TRACK.names:
        course.progress.checked(name, True, course.sha256(name))
    assert course.current() is None


def mapped(course: Course, text: str) -> Course:
    (course.path / "learn.toml").write_text(f"[exercises]\n{text}\n")
    return Course(course.path)


def test_learn_toml_says_where_an_exercise_stands(course: Course) -> None:
    course = mapped(course, 'layer_norm = "../mine/model.py:my_norm"\nheads = { merge_heads = "mine.model:merge" }')
    assert course.place("layer_norm", "layer_norm") == ("../mine/model.py", "my_norm")
    assert course.files("layer_norm") == [(course.path / "../mine/model.py").resolve()]
    assert course.place("heads", "merge_heads") == ("mine.model", "merge")
    assert course.place("heads", "split_heads") == (course.file("heads").name, "split_heads")
    assert course.file("heads") in course.files("heads")
    assert mapped(course, 'layer_norm = "model.py"').place("layer_norm", "layer_norm") == ("model.py", "layer_norm")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('layernorm = "a.py:b"', "no exercise 'layernorm'. Did you mean layer_norm"),
        ("layer_norm = 3", "must be 'file.py:Symbol' or a table of those, not 3"),
        ('layer_norm = ":b"', "must be 'file.py:Symbol'"),
        ("layer_norm = ", "A line reads"),
    ],
)
def test_what_learn_toml_may_not_say(course: Course, text: str, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        _ = mapped(course, text).mapped


def test_code_elsewhere_is_checked_there(course: Course, checker, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "model.py").write_text(answer("layer_norm").replace("def layer_norm", "def my_norm"))
    for place in ("../mine/model.py:my_norm", "mine.model:my_norm"):
        course = mapped(course, f'layer_norm = "{place}"')
        assert checker.check(course, "layer_norm").passed, place
        assert course.states()["layer_norm"] == "passed"
    course = mapped(course, 'layer_norm = "nowhere.py:my_norm"')
    assert "nowhere.py is not there" in checker.check(course, "layer_norm").as_json()["text"]
