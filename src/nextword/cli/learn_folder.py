"""`nextword learn init`, `list` and `reset`: the folder of exercises, and how far its owner is."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from nextword.cli.arguments import parse

if TYPE_CHECKING:
    from nextword.learn.checker.lines import Line
    from nextword.learn.course.folder import Course

Folder = Annotated[str | None, tyro.conf.arg(help_behavior_hint="", metavar="DIR")]
"""The type of --dir."""


@dataclass(frozen=True)
class InitArguments:
    """Write a folder with a file for each exercise. What is there already is left as it is."""

    folder: Annotated[
        str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[DIR]", help_behavior_hint="(default: my_gpt2)")
    ] = None
    """The folder: new, empty, or one of exercises, to which what is missing is added."""


@dataclass(frozen=True)
class ListArguments:
    """Show the exercises, chapter by chapter, and how far you are."""

    dir: Folder = None
    """The folder of exercises. Default: this one, or one below or above."""

    json: bool = False
    """For programs: one JSON object, as docs/classroom.md describes it."""


@dataclass(frozen=True)
class ResetArguments:
    """Begin an exercise anew. Your file is kept beside the new one: ex07_layer_norm.py.1.bak."""

    exercise: tyro.conf.Positional[str]
    """Its number or its name."""

    dir: Folder = None
    """The folder of exercises. Default: this one, or one below or above."""


def init(arguments: list[str]) -> int:
    """Write the folder, and say how to go on."""
    args = parse(InitArguments, "learn init", arguments)

    from nextword.learn.checker.track import TRACK
    from nextword.learn.course.folder import FOLDER
    from nextword.learn.course.starting import init

    path = Path(args.folder or FOLDER)
    begun = init(path)
    watch = begun.course.command()
    if not begun.was_there:
        print(f"Wrote {path} with {len(TRACK)} exercises. README.md there says how to work.")
    elif begun.written:
        print(f"{path} was there already. Added what was missing: {', '.join(file.name for file in begun.written)}.")
    else:
        print(f"{path} is there already, and nothing is missing in it. Nothing was changed.")
    print(f"To go on: {watch}")
    return 0


def show_list(arguments: list[str]) -> int:
    """Print the exercises with their state."""
    args = parse(ListArguments, "learn list", arguments)

    from nextword.learn.checker.lines import show
    from nextword.learn.course.folder import find

    course = find(args.dir)
    if args.json:
        print(json.dumps(listing_as_json(course), indent=1))
    else:
        show(listing(course))
    return 0


def listing(course: "Course") -> list["Line"]:
    """The exercises of each chapter, with what was done at them."""
    from nextword.learn.checker.lines import Emphasis, line
    from nextword.learn.checker.track import TRACK

    states, records, current = course.states(), course.progress.read(), course.current()
    wide = max(len(exercise.title) for exercise in TRACK)
    files = max(len(course.files(name)[0].name) for name in TRACK.names)
    lines: list[Line] = []
    for chapter, names in TRACK.chapters.items():
        there = [name for name in names if name in TRACK.names]
        if not there:
            continue
        done = sum(states[name] == "passed" for name in there)
        lines += [(), ((chapter, "bold"), (f"   {done} of {len(there)}", "dim"))]
        for name in there:
            sign, style = {"passed": ("x", "good"), "changed": ("~", ""), "tried": (".", "")}.get(
                states[name], (" ", "")
            )
            looks: Emphasis = "good" if style == "good" else "bold" if name == current else ""
            remark = {"changed": "changed since it passed: check it again"}.get(states[name], "")
            if states[name] == "tried" and name in records:
                remark = counted(records[name].attempts, "attempt")
            if name == current:
                remark = f"{remark}, next" if remark else "next"
            lines.append(
                (
                    (f"  [{sign}] ", looks),
                    (f"{TRACK.number(name):>2}  {TRACK[name].title:<{wide}}  ", looks),
                    (f"{course.files(name)[0].name:<{files}}  ", "dim"),
                    (remark, "dim"),
                )
            )
    passed = sum(state == "passed" for state in states.values())
    overcome = sum(len(record.overcome) for record in records.values())
    known = f", {counted(overcome, 'mistake')} overcome" if overcome else ""
    return [*lines[1:], (), line(f"{passed} of {len(states)} passed{known}.")]


def listing_as_json(course: "Course") -> dict[str, object]:
    """The same for programs."""
    from nextword.learn.checker.track import TRACK

    states, records = course.states(), course.progress.read()
    exercises = []
    for name in TRACK.names:
        record = records.get(name)
        exercises.append(
            {
                "exercise": name,
                "number": TRACK.number(name),
                "chapter": TRACK.chapter(name),
                "title": TRACK[name].title,
                "file": course.files(name)[0].name,
                "state": states[name],
                "attempts": record.attempts if record else 0,
                "mistakes": record.mistakes if record else {},
                "overcome": record.overcome if record else (),
                "hints": record.hints if record else 0,
                "solution_seen": record.solution_seen if record else False,
                "passed_at": record.passed_at if record else "",
            }
        )
    n_passed = sum(state == "passed" for state in states.values())
    return {
        "version": 1,
        "folder": str(course.path.resolve()),
        "n_passed": n_passed,
        "n_exercises": len(states),
        "current": course.current(),
        "exercises": exercises,
    }


def reset(arguments: list[str]) -> int:
    """Put the stub back, and say where the old file is."""
    args = parse(ResetArguments, "learn reset", arguments)

    from nextword.learn.course.folder import exercise_named, find
    from nextword.learn.course.starting import reset

    course, name = find(args.dir), exercise_named(args.exercise)
    backup = reset(course, name)
    kept = f" What you had written is in {backup.name}." if backup else ""
    print(f"{course.file(name).name} is as it was at the beginning.{kept}")
    return 0


def counted(n: int, thing: str) -> str:
    """1 attempt, 2 attempts."""
    return f"{n} {thing}{'' if n == 1 else 's'}"
