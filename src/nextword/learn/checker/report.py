"""The report of a check, as data for another process to show."""

from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from nextword.learn.checker.lines import Line, line, text_of
from nextword.learn.checker.track import TRACK

N_PRINTED = 12
"""How many lines are shown of what the learner's code printed."""


@dataclass(frozen=True)
class Report:
    """The outcome of one check, ready to be shown, or to be sent as JSON.

    status: a Diagnosis's, or "crashed", "timeout", "unreadable" for code that
    could not be tried to the end, or at all. mistakes: name, equals, remedy and
    why of each. output: what the learner's code printed. notes: what should be
    known besides, such as a part that is not the learner's.
    """

    exercise: str
    status: str
    lines: tuple[Line, ...]
    mistakes: tuple[dict[str, str], ...] = ()
    n_probes: int = 0
    n_right: int = 0
    first_wrong: str = ""
    output: str = ""
    notes: tuple[str, ...] = ()
    sha256: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the exercise is done."""
        return self.status == "passed"

    @property
    def example(self) -> tuple[Line, ...]:
        """The smallest example of a difference, without the explanation."""
        return self.lines[self.lines.index(()) + 1 :] if () in self.lines else ()

    def whole(self) -> list[Line]:
        """All lines, with the learner's printed output and the notes."""
        lines = list(self.lines)
        if self.output.strip():
            printed = self.output.rstrip().splitlines()
            if len(printed) > N_PRINTED:
                more = f"... ({len(printed) - N_PRINTED + 1:,} more lines) ..."
                left_out = next((text for text in printed if text.endswith("bytes left out) ...")), more)
                printed = [*printed[: N_PRINTED - 4], left_out, *printed[-3:]]
            lines += [
                (),
                line("Your code printed:", "dim"),
                *(line(f"  {text}", "dim") for text in printed),
            ]
        if self.notes:
            lines += [(), *(line(note, "dim") for note in self.notes)]
        return lines

    def as_json(self) -> dict[str, Any]:
        """The report for a program: see docs/classroom.md. `text` is what a person would read."""
        fields = asdict(self)
        del fields["lines"]
        about = {"number": TRACK.number(self.exercise), "chapter": TRACK.chapter(self.exercise)}
        return {"exercise": self.exercise, **about, "passed": self.passed, **fields, "text": text_of(self.lines)}

    def packed(self) -> dict[str, Any]:
        """All of it for JSON, to be unpacked in another process."""
        return asdict(self)

    @staticmethod
    def unpacked(packed: dict[str, Any]) -> "Report":
        """The inverse of `packed`."""
        lines = tuple(tuple((text, style) for text, style in spans) for spans in packed["lines"])
        mistakes, notes = tuple(packed["mistakes"]), tuple(packed["notes"])
        return replace(Report(**packed), lines=cast(tuple[Line, ...], lines), mistakes=mistakes, notes=notes)


def with_circumstances(report: Report, **circumstances: Any) -> Report:
    """The report with output, notes, SHA-256 or seconds added."""
    return replace(report, **circumstances)
