"""`nextword learn graduate`: the whole model's examination, and a certificate."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextword.cli.arguments import parse
from nextword.cli.learn_folder import Folder
from nextword.commands import command

if TYPE_CHECKING:
    from nextword.learn.course.folder import Course
    from nextword.learn.course.graduation import Graduation

FILE = "certificate.md"


@dataclass(frozen=True)
class Arguments:
    """Examine the whole model that your exercises make: compare it, train it, let it write. Then a certificate.

    Everything but the electives must have passed. Works offline, in about a minute.
    """

    dir: Folder = None
    """The folder of exercises. Default: this one, or one below or above."""

    time_limit: float = 600.0
    """How many seconds it may take."""

    json: bool = False
    """For programs: one JSON object instead of the certificate."""


def graduate(arguments: list[str]) -> int:
    """Examine, and write the certificate into the learner's folder."""
    args = parse(Arguments, "learn graduate", arguments)

    from nextword.learn.checker.lines import line, show
    from nextword.learn.course.certificate import Certificate
    from nextword.learn.course.folder import find
    from nextword.runtime import replacing

    course = find(args.dir)
    if to_do := still_to_do(course):
        more = f", and {len(to_do) - 5} more" if len(to_do) > 5 else ""
        have = "exercise has" if len(to_do) == 1 else "exercises have"
        raise ValueError(f"{len(to_do)} {have} not passed yet: {'; '.join(to_do[:5])}{more}. Then graduate.")
    seen = examine(course, args.time_limit, quiet=args.json)
    if args.json:
        print(json.dumps({"version": 1, "graduated": not seen.mistakes, **asdict(seen)}, indent=1))
        return 1 if seen.mistakes else 0
    if seen.mistakes:
        show([(), line("Your parts pass one by one, but not together as a model:", "bold")])
        show([line(f"  {mistake}") for mistake in seen.mistakes])
        return 1
    text = Certificate(seen, course.progress.read(), date.today()).markdown()
    path = course.path / FILE
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
    show_markdown(text)
    train = command("train", "--model", f"{course.path.name}:GPT")
    print(f"\nThis certificate is in {path}. Your model as any other: {train}")
    return 0


def still_to_do(course: "Course") -> list[str]:
    """The exercises that have to pass before: all but the electives, as number and name."""
    from nextword.learn.checker.track import TRACK

    states = course.states()
    return [
        f"{TRACK.number(name)} {name}"
        for name in TRACK.names
        if states[name] != "passed" and TRACK.chapter(name) != "electives"
    ]


def examine(course: "Course", seconds: float, quiet: bool) -> "Graduation":
    """Let the learner's code be examined in a process of its own. Raises ValueError where it does not come through."""
    from nextword.learn.course.graduation import Graduation

    with tempfile.TemporaryDirectory(prefix="nextword-graduate-") as scratch:
        result = Path(scratch) / "result.json"
        command = [
            sys.executable,
            "-P",
            "-m",
            "nextword.learn.course.graduation",
            str(course.path.resolve()),
            str(result),
        ]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if quiet else None,
                stderr=subprocess.PIPE,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ValueError(f"No end after {seconds:g} seconds: give it more with --time-limit.") from None
        if not result.exists():
            last = next((text for text in reversed(done.stderr.splitlines()) if text.strip()), "it left no message")
            raise ValueError(f"Your model stopped its examination: {last}")
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return Graduation(**found | {key: tuple(found[key]) for key in ("mistakes", "notes")})


def show_markdown(text: str) -> None:
    """The certificate as a terminal can show it, or as it is in a file or a pipe."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        print(text, end="")
