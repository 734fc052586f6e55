"""`nextword learn interview`: a mistake to find against the clock, then questions to answer aloud."""

import queue
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nextword.cli.arguments import parse
from nextword.commands import command
from nextword.learn.checker.lines import Line, line, paragraphs, show

if TYPE_CHECKING:
    from nextword.learn.checker.report import Report
    from nextword.learn.course.checking import Checker
    from nextword.learn.course.folder import Course
    from nextword.learn.interview.asking import Session
    from nextword.learn.interview.puzzle import Puzzle

POLL_SECONDS = 0.2
PUZZLE_KEYS = "c check   t time left   g give up   q quit   (and Enter)"
GRADE_KEYS = "Did you know it?   k knew it   p partly   n no   q quit   (and Enter)"


@dataclass(frozen=True)
class Arguments:
    """Practise for an interview: find the one mistake in a short file, then answer questions on GPT-2.

    You grade your answers yourself; what you did not know is asked first next time.
    """

    seed: int | None = None
    """Which puzzle and which questions: the same seed, the same interview. Default: another each time."""

    minutes: float = 20.0
    """How much time there is to find the mistake."""

    questions: int = 6
    """How many questions to answer afterwards; 0 for none."""

    dir: str = "interview"
    """The folder in which the puzzle and your grades are kept."""

    time_limit: float = 20.0
    """How many seconds a check of the puzzle may take."""


def interview(arguments: list[str]) -> int:
    """Hold the interview; without a terminal, only write the puzzle and ask the questions."""
    args = parse(Arguments, "learn interview", arguments)
    if not args.minutes > 0:
        raise ValueError(f"--minutes must be above 0, not {args.minutes:g}.")
    if args.questions < 0:
        raise ValueError(f"--questions must be at least 0, not {args.questions}.")

    from nextword.cli.learn_watch import typed_lines
    from nextword.learn.course.checking import Checker
    from nextword.learn.interview.asking import Grades, Session, choose
    from nextword.learn.interview.puzzle import choose_puzzle, set_up

    seed = random.randrange(10_000) if args.seed is None else args.seed
    folder = Path(args.dir)
    puzzle = choose_puzzle(seed)
    course = set_up(puzzle, folder)
    grades = Grades(folder / "grades.json")
    asked = choose(args.questions, seed, grades.read()) if args.questions else ()
    session = Session(asked, grades)
    show(introduction(puzzle, course, args.minutes, seed))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        place = command("learn", "check", puzzle.exercise.name, "--dir", folder)
        show([(), line(f"Without a terminal there is no clock. To check, and to be told the mistake: {place}")])
        show([line(f"{number}. {question.ask}") for number, question in enumerate(asked, 1)])
        return 0
    with Checker(args.time_limit) as checker:
        checker.warm()
        held = Interview(puzzle, course, checker, session, typed_lines(), args.minutes * 60.0)
        try:
            solved = held.run()
        except KeyboardInterrupt:
            show([(), line("Broken off. The grades that you gave are kept.")])
            return 130
    return 0 if solved else 1


def introduction(puzzle: "Puzzle", course: "Course", minutes: float, seed: int) -> list[Line]:
    """Introduce the interview: the task, and the file."""
    from nextword.learn.interview.puzzle import FILE

    file = course.path / FILE
    return [
        ((f"Interview {seed}: {puzzle.exercise.title}. ", "bold"), (f"You have {minutes:g} minutes.", "")),
        (),
        *paragraphs(puzzle.exercise.task),
        (),
        (("One mistake is planted in ", ""), (str(file), "code"), (". Find it and mend it.", "")),
        line("The file is checked each time that you save it. What is wrong you will be told at the end.", "dim"),
    ]


@dataclass
class Interview:
    """The puzzle against the clock, then the questions.

    typed: lines from the keyboard as they come. seconds: for the puzzle. say: where lines go to.
    """

    puzzle: "Puzzle"
    course: "Course"
    checker: "Checker"
    session: "Session"
    typed: "queue.Queue[str]"
    seconds: float
    say: Callable[[list[Line]], None] = show
    clock: Callable[[], float] = time.monotonic

    def run(self) -> bool:
        """Hold it; give back whether the mistake was found and mended in time."""
        self.say([line(PUZZLE_KEYS, "dim")])
        began = self.clock()
        outcome = self.mend()
        self.say(self.explanation(outcome, self.clock() - began))
        if outcome != "quit" and self.session.question is not None:
            self.ask()
        return outcome == "solved"

    def mend(self) -> str:
        """Wait for saved files and typed letters: "solved", "given up", "time is up" or "quit"."""
        name, deadline = self.puzzle.exercise.name, self.clock() + self.seconds
        seen = self.course.sha256(name)
        while (left := deadline - self.clock()) > 0:
            key = self.key()
            now = self.course.sha256(name)
            if key in ("q", "quit", "exit"):
                return "quit"
            if key in ("g", "give up"):
                return "given up"
            if key in ("t", "time"):
                self.say([line(f"{clock_time(left)} left.")])
            elif key in ("c", "check", "") or now not in ("", seen):
                seen = now
                done = self.checker.check(self.course, name)
                if done.passed:
                    return "solved"
                self.say([(), *without_names(done), line(f"{clock_time(deadline - self.clock())} left.", "dim")])
            elif key is not None:
                self.say([line(PUZZLE_KEYS, "dim")])
            else:
                time.sleep(POLL_SECONDS)
        return "time is up"

    def key(self) -> str | None:
        """What was typed since the last time, if anything."""
        try:
            return self.typed.get_nowait()
        except queue.Empty:
            return None

    def explanation(self, outcome: str, seconds: float) -> list[Line]:
        """Explain the end: the result, the mistake, and the changed lines."""
        mistake = self.puzzle.mistake
        heading: Line = ((f"Found and mended in {clock_time(seconds)}.", "good"),)
        if outcome != "solved":
            heading = ((f"{outcome[0].upper()}{outcome[1:]}, after {clock_time(seconds)}.", "bold"),)
        return [
            (),
            heading,
            (),
            (("What was planted: ", ""), (mistake.equals, "bold"), (".", "")),
            line(mistake.remedy, "code"),
            line(mistake.why, "dim"),
            (),
            *(line(f"  {text}", "bad" if text.startswith("-") else "good") for text in self.puzzle.changes()),
        ]

    def ask(self) -> None:
        """Ask question after question: the learner answers aloud, sees ours, and grades what they knew."""
        n = len(self.session.questions)
        self.say([(), (("Now some questions. ", "bold"), ("Answer aloud, then press Enter.", ""))])
        while (question := self.session.question) is not None:
            about = f"Question {self.session.number} of {n}, {question.topic}: "
            self.say([(), ((about, "dim"), (question.ask, "bold"))])
            if self.typed.get() in ("q", "quit"):
                break
            answer = [line(f"  {text}") for text in question.answer.strip().splitlines()]
            places = ", ".join(citation.where() for citation in question.cites)
            self.say([*answer, line(f"  See {places}", "dim"), (), line(GRADE_KEYS, "dim")])
            if not self.grade():
                break
        self.say(self.summary())

    def grade(self) -> bool:
        """Wait for a grade; False to quit."""
        while True:
            key = self.typed.get()
            if key in ("q", "quit"):
                return False
            if key in ("k", "p", "n"):
                self.session.grade("knew" if key == "k" else "partly" if key == "p" else "no")
                return True
            self.say([line(GRADE_KEYS, "dim")])

    def summary(self) -> list[Line]:
        """Topic by topic, and what to read again."""
        found = self.session.summary()
        if not found.tallies:
            return []
        lines: list[Line] = [(), line("What you knew:", "bold")]
        lines += [line(f"  {tally.topic:<10} {tally.knew} of {tally.asked}") for tally in found.tallies]
        if found.again:
            lines += [(), line("To read again:", "bold")]
        for weak in found.again:
            lines += [line(f"  {weak.question.ask}"), line(f"    {', '.join(weak.places)}", "code")]
        return lines


def without_names(report: "Report") -> list[Line]:
    """Write a report without the name of the mistake."""
    if report.status != "wrong":
        return list(report.lines)
    count = f"{report.n_right} of {report.n_probes} experiments agree."
    return [(("Not yet: ", "bold"), (count, "")), (), *report.example]


def clock_time(seconds: float) -> str:
    """Seconds as minutes and seconds: 0:42, 12:05."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}"
