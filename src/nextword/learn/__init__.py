"""Learn by building: exercises that end with a GPT-2 of one's own, and a checker that names the very mistake made."""


def check_file(path: str) -> None:
    """Check the exercise that a learner's file holds, say what was found, and exit with 1 if it has not passed.

    That is what the last lines of each of these files call. Raises
    `folder.CourseError` for a file that is no exercise's.
    """
    from pathlib import Path

    from nextword.learn.checking import Checker
    from nextword.learn.folder import exercise_named, find
    from nextword.learn.lines import show

    file = Path(path).resolve()
    name = exercise_named(file.name)
    with Checker() as checker:
        done = checker.check(find(start=file.parent), name)
    show(done.whole())
    if not done.passed:
        raise SystemExit(1)
