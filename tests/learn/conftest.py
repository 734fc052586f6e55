"""What the tests of learn/ share: a learner's folder, and a warm checker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nextword.learn.checker.report import Report
from nextword.learn.checker.styles import styles
from nextword.learn.course.checking import Checker
from nextword.learn.course.folder import Course
from nextword.learn.course.starting import init

LAYER_NORM = "def layer_norm(x, weight, bias, eps=1e-5):\n"


@pytest.fixture(scope="session")
def checker() -> Iterator[Checker]:
    with Checker(time_limit=30) as warm:
        yield warm


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return init(tmp_path / "my_gpt2").course


@pytest.fixture
def check(course: Course, checker: Checker) -> Callable[..., Report]:
    """Writes an exercise's file and checks it: check(source, "layer_norm")."""

    def call(source: str | None, name: str = "layer_norm") -> Report:
        if source is not None:
            course.file(name).write_text(source, encoding="utf-8")
        return checker.check(course, name)

    return call


def answer(name: str, mistake: str | None = None) -> str:
    """Somebody's answer to an exercise, with a mistake planted in it where one is named."""
    style = next(style for style in styles(name) if mistake is None or mistake in style.mistakes)
    return style.source(*filter(None, [mistake]))
