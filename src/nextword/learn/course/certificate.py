"""The certificate: exercises passed, mistakes overcome, and a text by the learner's model."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from nextword.learn.checker.track import TRACK
from nextword.learn.course.graduation import Graduation
from nextword.learn.course.progress import Record

OFFICIAL_PARAMETERS = 124_439_808


@dataclass(frozen=True)
class Certificate:
    """A graduation together with the way to it: records by the exercises' names."""

    graduation: Graduation
    records: Mapping[str, Record]
    day: date

    @property
    def passed(self) -> list[str]:
        """The exercises that passed, in the track's order."""
        return [name for name in TRACK.names if name in self.records and self.records[name].passed]

    @property
    def looked_up(self) -> list[str]:
        """The exercises whose solution was looked at before they passed."""
        return [name for name in self.passed if self.records[name].solution_seen]

    @property
    def overcome(self) -> list[tuple[str, str]]:
        """The mistakes that were met and overcome: (exercise's title, what the answer had been)."""
        return [
            (TRACK[name].title, TRACK[name].mistake(mistake).equals)
            for name in self.passed
            for mistake in self.records[name].overcome
            if mistake in {known.name for known in TRACK[name].mistakes}
        ]

    def markdown(self) -> str:
        """The whole certificate as a text that reads well as it is."""
        seen = self.graduation
        lines = [
            "# GPT-2, written by hand",
            "",
            f"On {self.day:%d %B %Y} this model passed its examination: {len(self.passed)} of {len(TRACK)} exercises, "
            "its logits compared with a reference in float64, and a passage learnt and written by its own parts.",
            "",
            "| | |",
            "|---|---|",
            f"| largest distance of a logit from the reference's, in standard deviations | {seen.error:.1e} |",
            f"| parameters at GPT-2's size | {in_words(seen.n_params)} |",
            f"| loss on a passage, before and after {seen.steps} steps of its own training loop | "
            f"{seen.first_loss:.2f} -> {seen.last_loss:.2f} nats a token |",
            f"| of the next tokens of that passage it recalls | {seen.recalled:.0%} |",
            f"| solutions looked at before the exercise passed | {len(self.looked_up)} of {len(self.passed)} |",
            "",
            "## What it writes",
            "",
            *(f"> {line}" if line else ">" for line in f"**{seen.prompt.strip()}**\n\n{seen.written}".splitlines()),
            "",
            "## Built",
            "",
        ]
        for chapter, names in TRACK.chapters.items():
            titles = [TRACK[name].title for name in names if name in self.passed]
            if titles:
                lines.append(f"- {chapter}: {', '.join(titles)}")
        if self.looked_up:
            titles = [TRACK[name].title for name in self.looked_up]
            lines += ["", f"With a look at the solution: {', '.join(titles)}."]
        if self.overcome:
            lines += ["", "## Overcome", ""]
            lines += [f"- {title}: it was {equals}" for title, equals in self.overcome]
        if seen.notes:
            lines += ["", "## Not by hand", "", *(f"- {note}" for note in seen.notes)]
        return "\n".join(lines) + "\n"


def in_words(n_params: int) -> str:
    """The number of parameters, and whether it is the official one."""
    difference = n_params - OFFICIAL_PARAMETERS
    same = "as many as the official model" if difference == 0 else f"the official model has {-difference:+,}"
    return f"{n_params:,}, {same}"
