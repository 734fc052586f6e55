"""Findings of a review: weight, location in the code, evidence, and remedy."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from nextword.errors import NextwordError
from nextword.learn.checker.lines import Line, text_of

Level = Literal["wrong", "look", "fine"]
"""wrong: GPT-2 does otherwise, or it cannot work. look: worth a look. fine: another design, and a good one too."""

LEVELS: tuple[Level, ...] = ("wrong", "look", "fine")


class DoctorError(NextwordError, ValueError):
    """The named file or class cannot be reviewed: not there, not a GPT, not to be built."""


@dataclass(frozen=True)
class Location:
    """A place in a user's code: a class, and lines that may be the ones."""

    symbol: str = ""
    file: str = ""
    lines: tuple[tuple[int, str], ...] = ()

    @staticmethod
    def unpacked(packed: dict[str, Any]) -> "Location":
        """The inverse of dataclasses.asdict, after JSON."""
        return Location(packed["symbol"], packed["file"], tuple((number, text) for number, text in packed["lines"]))


@dataclass(frozen=True)
class Finding:
    """One point of a review.

    name: for programs; a mistake's own where it is one that exercises know.
    parameters: the user model's names that it is about. evidence: the smallest
    example, in numbers. remedy and why: what to change, and why.
    """

    level: Level
    name: str
    title: str
    evidence: tuple[Line, ...] = ()
    remedy: str = ""
    why: str = ""
    place: Location | None = None
    parameters: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For programs; the evidence as text."""
        return {**asdict(self), "evidence": text_of(self.evidence)}

    @staticmethod
    def unpacked(packed: dict[str, Any]) -> "Finding":
        """The inverse of dataclasses.asdict, after JSON."""
        place = Location.unpacked(packed["place"]) if packed["place"] else None
        evidence = tuple(tuple((text, style) for text, style in spans) for spans in packed["evidence"])
        return Finding(**{**packed, "place": place, "evidence": evidence, "parameters": tuple(packed["parameters"])})


@dataclass
class Findings:
    """Results of one part of the review: what is sound, and findings."""

    sound: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @staticmethod
    def one(*findings: Finding) -> "Findings":
        """Nothing but this."""
        return Findings([], list(findings))

    def add(self, other: "Findings") -> None:
        """Take over what another look found."""
        self.sound += other.sound
        self.findings += other.findings
