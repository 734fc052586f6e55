"""Measured numbers, and the tables of them."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from nextword.bench.machine import Machine

TOKENS, SECONDS = "tok/s", "s"


@dataclass(frozen=True)
class Figure:
    """One quantity, measured several times."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the measurements."""
        return median(self.values)

    @property
    def low(self) -> float:
        """The least of them."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest of them."""
        return max(self.values)


@dataclass(frozen=True)
class Row:
    """A row of the table: one program's speed at one piece of work.

    limit: what the machine would allow, in the same unit, by arithmetic and by
    its own rates, measured in the same rounds; None where there is no such
    limit. peak_memory: bytes.
    """

    work: str
    program: str
    precision: str
    unit: str
    figure: Figure
    limit: float | None = None
    peak_memory: int | None = None

    @property
    def share(self) -> float | None:
        """The share of the limit that was reached."""
        return self.figure.median / self.limit if self.limit else None


@dataclass
class Findings:
    """All findings of a benchmark.

    rates: the machine's own, by what was measured, in operations or bytes a
    second. absent: a program -> why it was not measured. checks: in words, how
    the programs' outputs compare. method: how it was measured, in words.
    """

    machine: Machine
    model: str
    rates: dict[str, list[float]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    method: list[str] = field(default_factory=list)

    def leave_out(self, what: str, error: Exception) -> None:
        """Note why something was not measured, in one line."""
        self.absent[what] = " ".join(str(error).split())

    def rate(self, name: str) -> float:
        """The median of one of the machine's rates."""
        return median(self.rates[name])

    def as_json(self) -> dict[str, Any]:
        """Convert all findings to JSON's types, with medians and shares."""
        rows = [
            {**asdict(row), "figure": list(row.figure.values), "median": row.figure.median, "share": row.share}
            for row in self.rows
        ]
        return {**asdict(self), "rows": rows}
