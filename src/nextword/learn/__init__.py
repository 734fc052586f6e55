"""Learn by building: exercises for a GPT-2 of one's own, and a checker that names each mistake."""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)


def check_file(path: str) -> None:
    """Check the exercise in a learner's file, print the report, and exit with 1 unless it passed.

    That is what the last lines of each of these files call. For a file that is
    no exercise's it says so and exits with 2.
    """
    import sys
    from pathlib import Path

    from nextword.errors import NextwordError
    from nextword.learn.checker.lines import show
    from nextword.learn.course.checking import Checker
    from nextword.learn.course.folder import exercise_named, find

    file = Path(path).resolve()
    try:
        name, course = exercise_named(file.name), find(start=file.parent)
        with Checker() as checker:
            done = checker.check(course, name)
    except NextwordError as error:
        print(f"nextword: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    show(done.whole())
    if not done.passed:
        raise SystemExit(1)
