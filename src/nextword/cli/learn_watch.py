"""Bare `nextword learn`: checks each file that is saved. When an exercise has passed it moves on."""

import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nextword.cli.arguments import parse
from nextword.cli.learn_folder import Folder
from nextword.learn.checker.lines import Line, line, paragraphs, show
from nextword.learn.course.folder import CourseError

if TYPE_CHECKING:
    from nextword.learn.course.checking import Checker
    from nextword.learn.course.folder import Course

POLL_SECONDS = 0.2

TELL_SECONDS = 1.5
"""After how long a check that is not done yet is told of."""

KEYS = "h hint   c check   n next exercise   l list   q quit   (and Enter)"


@dataclass(frozen=True)
class Arguments:
    """Watch the folder of exercises, and check each as it is saved."""

    dir: Folder = None
    """The folder of exercises. Default: this one, or one below or above."""

    time_limit: float = 20.0
    """How many seconds a check may take."""


def watch(arguments: list[str]) -> int:
    """Watch until all has passed or the learner quits; without a terminal, say how things stand."""
    args = parse(Arguments, "learn", arguments)

    from nextword.cli.learn_folder import listing
    from nextword.learn.course.checking import Checker
    from nextword.learn.course.folder import find

    course = find(args.dir)
    if not sys.stdout.isatty():
        show(listing(course))
        return 0
    with Checker(args.time_limit) as checker:
        checker.warm()  # it imports torch while this process does
        typed = typed_lines() if sys.stdin.isatty() else queue.Queue[str]()
        try:
            Watch(course, checker, typed).run()
        except KeyboardInterrupt:
            show([(), line(f"Until next time. To go on: {course.command()}")])
    return 0


def typed_lines() -> "queue.Queue[str]":
    """What is typed, a line at a time, as it comes."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for text in sys.stdin:
            lines.put(text.strip().lower())

    threading.Thread(target=read, daemon=True).start()
    return lines


@dataclass
class Watch:
    """The loop: look for saved files and typed letters, check, tell.

    say: where lines go to. The exercise at hand is `name`; None when all have passed.
    """

    course: "Course"
    checker: "Checker"
    typed: "queue.Queue[str]"
    say: Callable[[list[Line]], None] = show
    name: str | None = None
    seen: dict[str, str] = field(default_factory=dict)
    complaint: str = ""

    def run(self) -> None:
        """Go on until all exercises have passed, or until q is typed."""
        self.begin()
        while self.turn():
            time.sleep(POLL_SECONDS)

    def begin(self) -> None:
        """Say what is next, and check it if there is something to check."""
        self.seen = self.look()
        self.name = self.course.current()
        self.introduce()
        if self.name is not None and self.is_begun(self.name):
            self.check(self.name)

    def turn(self) -> bool:
        """Answer new keys and saved files; False to quit."""
        if self.name is None or not self.answer_keys():
            return False
        for name in self.saved():
            self.check(name)
        return self.name is not None

    def look(self) -> dict[str, str]:
        """A fingerprint of each exercise's code; files are read only where their time or size has changed."""
        from nextword.learn.checker.track import TRACK

        self.course = type(self.course)(self.course.path)  # learn.toml may have changed
        return {name: stamp(self.course.files(name)) for name in TRACK.names}

    def saved(self) -> list[str]:
        """The exercises whose files have other content than when they were last looked at.

        Where one file holds several, those that have passed or are at hand count.
        """
        before = self.seen
        try:
            self.seen = self.look()
        except CourseError as error:  # learn.toml, half written or wrong
            if str(error) != self.complaint:
                self.complaint = str(error)
                self.say([(), line(self.complaint, "bad")])
            return []
        self.complaint = ""
        touched = [name for name in self.seen if self.seen[name] != before.get(name)]
        changed = [name for name in touched if self.course.sha256(name) not in ("", self.course.progress[name].sha256)]
        if len(changed) > 1:
            changed = [name for name in changed if name == self.name or self.course.progress[name].passed]
        return changed

    def check(self, name: str) -> None:
        """Check one exercise, tell what was found, and move on if it has passed."""
        from nextword.learn.checker.track import TRACK

        self.name = name
        had_passed = self.course.progress[name].passed
        sha256, start, told = self.course.sha256(name), time.monotonic(), False

        def superseded() -> bool:
            nonlocal told
            if not told and time.monotonic() - start > TELL_SECONDS:
                told = True
                self.say([(), line(f"Checking exercise {TRACK.number(name)} ...", "dim")])
            return self.course.sha256(name) != sha256

        done = self.checker.check_unless(self.course, name, superseded)
        if done is None:  # it was saved again: the next look finds that
            self.seen.pop(name, None)
            return
        self.say([(), line("-" * 60, "dim"), *done.whole()])
        if not done.passed:
            self.say([(), line(KEYS, "dim")])
            return
        overcome = (
            [] if had_passed else [TRACK[name].mistake(one).equals for one in self.course.progress[name].overcome]
        )
        if overcome:
            more = f"; and {len(overcome) - 2} more" if len(overcome) > 2 else ""
            self.say([line(f"Overcome on the way: {'; '.join(overcome[:2])}{more}.", "dim")])
        self.say(self.chapter_ends(name) if not had_passed else [])
        self.name = self.course.current(after=name)
        self.introduce()

    def chapter_ends(self, name: str) -> list[Line]:
        """A word when the last of a chapter has passed."""
        from nextword.learn.checker.track import TRACK

        chapter = TRACK.chapter(name)
        states = self.course.states()
        if all(states[one] == "passed" for one in TRACK.chapters[chapter] if one in states):
            n = sum(one in states for one in TRACK.chapters[chapter])
            which = {1: "its exercise is", 2: "both of its exercises are"}.get(n, f"all {n} of its exercises are")
            return [(), line(f"That was the chapter on {chapter}: {which} yours.", "good")]
        return []

    def introduce(self) -> None:
        """Introduce the exercise at hand: its task, and its file."""
        from nextword.learn.checker.track import TRACK

        if self.name is None:
            self.say([(), line(f"All {len(TRACK)} exercises have passed. This GPT-2 is yours.", "good")])
            return
        exercise, file = TRACK[self.name], self.course.files(self.name)[0]
        number, chapter = TRACK.number(self.name), TRACK.chapter(self.name)
        self.say(
            [
                (),
                line("=" * 60, "dim"),
                ((f"Exercise {number} of {len(TRACK)}, {chapter}: ", ""), (exercise.title, "bold")),
                (),
                *paragraphs(exercise.task),
                (),
                (("Write ", ""), (" and ".join(exercise.symbols), "bold"), (" in ", ""), (shown_path(file), "code")),
                line("It is checked each time that you save it.", "dim"),
                line(KEYS, "dim"),
            ]
        )

    def is_begun(self, name: str) -> bool:
        """Whether the learner has changed anything in the code that they began with."""
        from nextword.learn.checker.track import TRACK

        try:
            return TRACK[name].code().strip() not in self.course.files(name)[0].read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return True

    def answer_keys(self) -> bool:
        """Do what was typed; False to quit."""
        from nextword.cli.learn_folder import listing
        from nextword.cli.learn_help import next_hint
        from nextword.learn.checker.track import TRACK

        while self.name is not None:
            try:
                key = self.typed.get_nowait()
            except queue.Empty:
                return True
            if key in ("q", "quit", "exit"):
                return False
            if key in ("h", "hint"):
                self.say([(), *next_hint(self.course, TRACK[self.name])])
            elif key in ("l", "list"):
                self.say([(), *listing(self.course)])
            elif key in ("c", "check", ""):
                self.check(self.name)
            elif key in ("n", "next"):
                self.name = self.course.current(after=self.name)
                self.introduce()
            else:
                self.say([line(KEYS, "dim")])
        return True


def stamp(files: list[Path]) -> str:
    """What changes when files are saved: their times and sizes."""
    parts = []
    for file in files:
        try:
            status = file.stat()
            parts.append(f"{status.st_mtime_ns}:{status.st_size}:{status.st_ino}")
        except OSError:
            parts.append("-")
    return " ".join(parts)


def shown_path(file: Path) -> str:
    """A path as short as it can be typed from here."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
