"""Verdicts on loss curves: a sentence, and the usual causes where something is wrong."""

from dataclasses import dataclass

NORMAL = ("normal", "by heart", "fine-tuned", "too short", "unknown")
"""The kinds of verdict that say nothing is wrong."""


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a run. kind: in two words, for tables. sentence: what is seen. remedy: where to look."""

    kind: str
    sentence: str
    remedy: str = ""

    @property
    def is_normal(self) -> bool:
        """Whether nothing is wrong, as far as losses tell."""
        return self.kind in NORMAL

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()
