"""`init` and `reset`: write the files of a learner's folder, and never over another."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from nextword.learn.checker.exercise import Exercise
from nextword.learn.checker.track import TRACK
from nextword.learn.course.folder import MARK, Course, CourseError
from nextword.runtime import replacing

PARTS = '''\
"""The parts that earlier exercises made: yours where they passed their check, and nextword's own where not."""

from nextword.learn.parts import LearnersParts

__getattr__ = LearnersParts(__file__).__getattr__
'''

INIT = '''\
"""Your GPT-2, for others to import: my_gpt2:GPT is GPT(config), made of your own parts."""

from nextword.learn.parts import LearnersParts

__getattr__ = LearnersParts(__file__, tell_all=True).__getattr__
'''

TOML = """\
# Where your code stands, if you would rather not use the files exNN_name.py.
# Paths are relative to this file. Names on the left are those of `nextword learn list`.

[exercises]
# layer_norm = "model.py:layer_norm"          # one exercise in a file of yours
# mlp = "model.py:FeedForward"                # under a name of yours
# encode = "text.py"                          # under the exercise's own names
# heads = { split_heads = "model.py:split", merge_heads = "model.py:merge" }   # several names
"""

README = """\
# My GPT-2

Small exercises, in order, that end with a GPT-2 of your own: it trains, it loads the official weights, it writes.
Each file here is one of them: about ten lines for you to write where it says `raise NotImplementedError`.

Keep this running in one terminal, and write in an editor beside it. It answers each time that you save a file:

    nextword learn

It names your mistake if it can, shows the smallest example in which your answer differs, and moves on when an
exercise has passed. All else that there is to know:

    nextword learn check {n}      check one exercise (or run its file: python {file})
    nextword learn read {n}       the chapter of the book on it
    nextword learn hint {n}       a hint; each time that you ask, one that says more
    nextword learn list         how far you are
    nextword learn solution {n}   code that passes it
    nextword learn reset {n}      begin an exercise anew; a backup of your file is kept

Exercises need not be done in order. What a later one needs of an earlier one, it imports from `parts`: that is your
own code if it has passed, and nextword's if not. If you would rather write all of it in one file of your own, say in
`learn.toml` where each thing stands.

Your model is `{module}:GPT`, for nextword and for any Python program that runs beside this folder.

## The exercises
{exercises}"""


@dataclass(frozen=True)
class Begun:
    """Result of `init`: the files written, and whether the folder existed."""

    course: Course
    written: tuple[Path, ...]
    was_there: bool


def init(path: Path) -> Begun:
    """Write the learner's folder, or what is missing in it. Raises CourseError for a folder that holds other things."""
    was_there = (path / MARK).is_file()
    if path.exists() and not path.is_dir():
        raise CourseError(f"{path} is a file: choose another name for the folder.")
    if not was_there and path.is_dir() and any(not file.name.startswith(".") for file in path.iterdir()):
        raise CourseError(f"{path} holds other things already: choose a new or an empty folder.")
    path.mkdir(parents=True, exist_ok=True)
    course = Course(path)
    contents = {
        path / MARK: TOML,
        path / "parts.py": PARTS,
        path / "__init__.py": INIT,
        path / "README.md": readme(course),
    }
    contents |= {course.file(exercise.name): exercise_file(exercise) for exercise in TRACK}
    missing = {file: text for file, text in contents.items() if not file.exists()}
    for file, text in missing.items():
        write(file, text)
    return Begun(course, tuple(missing), was_there)


def reset(course: Course, name: str) -> Path | None:
    """Write an exercise's file anew, and return the backup of the old one, if any.

    Raises CourseError where learn.toml says that the exercise stands elsewhere.
    """
    if name in course.mapped:
        raise CourseError(
            f"{course.path / MARK} says that {name} stands in {course.files(name)[0].name}, a file of yours. "
            "reset changes exNN_name.py only: take the line out of learn.toml first."
        )
    file, backup = course.file(name), None
    if file.exists():
        backup = next(path for n in count(1) if not (path := file.with_name(f"{file.name}.{n}.bak")).exists())
        write(backup, file.read_bytes())
    write(file, exercise_file(TRACK[name]))
    course.progress.begun_again(name)
    return backup


def write(file: Path, content: str | bytes) -> None:
    """Write a file whole, or not at all."""
    with replacing(file) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def exercise_file(exercise: Exercise) -> str:
    """Write an exercise's first file: the task, the stub, and a way to run it alone."""
    number = TRACK.number(exercise.name)
    header = f"""\
Exercise {number} of {len(TRACK)}, {TRACK.chapter(exercise.name)}: {exercise.title}

{exercise.task.strip()}

To check: nextword learn check {number}     or run this file
To get a hint: nextword learn hint {number}
"""
    raw = "r" if "\\" in header else ""
    quoted = header.replace('"""', "'''")
    return f'''\
{raw}"""{quoted}"""

{exercise.code().strip()}


if __name__ == "__main__":
    from nextword.learn import check_file

    check_file(__file__)
'''


def readme(course: Course) -> str:
    """How to work, and the list of the exercises."""
    lines = []
    for chapter, names in TRACK.chapters.items():
        numbered = [(TRACK.number(name), TRACK[name].title) for name in names if name in TRACK.names]
        if numbered:
            lines += ["", f"**{chapter[0].upper()}{chapter[1:]}**", ""]
            lines += [f"{number}. {title}" for number, title in numbered]
    n, file = TRACK.number("layer_norm"), course.file("layer_norm").name
    return README.format(module=course.path.resolve().name, n=n, file=file, exercises="\n".join(lines) + "\n")
