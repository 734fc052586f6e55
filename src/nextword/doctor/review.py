"""A review, to be read by a person or as JSON: what is right, findings, next steps."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from nextword.commands import command
from nextword.doctor.findings import Finding
from nextword.learn.checker.lines import Emphasis, Line, line, text_of
from nextword.learn.checker.showing import shortened
from nextword.learn.fixtures.fixture import CONFIG

WORDS = {"wrong": "wrong", "look": "worth a look", "fine": "another design, and fine"}
STYLES: dict[str, Emphasis] = {"wrong": "bad", "look": "bold", "fine": "good"}


@dataclass(frozen=True)
class Review:
    """What was found out about a user model.

    how: how it was built. sound: what is right, a few words each. findings:
    the heaviest first. contract: whether `nextword train --model` takes it.
    notes: what of the file did not run. output: what it printed.
    """

    spec: str
    symbol: str
    how: str
    sound: tuple[str, ...]
    findings: tuple[Finding, ...]
    contract: bool = False
    notes: tuple[str, ...] = ()
    output: str = ""
    seconds: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether nothing in it is wrong."""
        return not any(finding.level == "wrong" for finding in self.findings)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is wrong."""
        return tuple(finding.name for finding in self.findings if finding.level == "wrong")

    def lines(self) -> list[Line]:
        """The review to read."""
        lines: list[Line] = [((self.symbol, "bold"), (f" in {self.spec.partition(':')[0]}: ", "bold"), self.verdict())]
        if self.how:
            sizes = (
                f"V = {CONFIG.n_vocab}, n_ctx = {CONFIG.n_ctx}, C = {CONFIG.n_embd}, {CONFIG.n_head} heads, "
                f"{CONFIG.n_layer} blocks"
            )
            lines.append(line(f"Built small ({sizes}) as {self.how}.", "dim"))
        if self.sound:
            lines += [(), (("Right: ", "good"), (f"{'; '.join(self.sound)}.", ""))]
        for number, finding in enumerate(self.findings, 1):
            lines += [(), *self._finding(number, finding)]
        if self.notes:
            lines += [(), *(line(note, "dim") for note in self.notes)]
        if self.output.strip():
            printed = self.output.strip().splitlines()
            lines += [(), line("Its code printed:", "dim"), *(line(f"  {text}", "dim") for text in printed[:6])]
            lines += [line(f"  ... ({len(printed) - 6} more lines)", "dim")] if len(printed) > 6 else []
        return [*lines, (), (("Next: ", "bold"), (self.next(), ""))]

    def verdict(self) -> tuple[str, Emphasis]:
        """The review in two words."""
        n = len(self.names)
        if n == 0:
            return ("sound.", "good")
        return (f"{n} point{'s are' if n > 1 else ' is'} wrong.", "bad")

    def _finding(self, number: int, finding: Finding) -> list[Line]:
        lines: list[Line] = [
            (
                (f"{number}. ", "bold"),
                (f"{WORDS[finding.level]}: ", STYLES[finding.level]),
                (f"{finding.title.rstrip('.')}.", "bold"),
            )
        ]
        place = finding.place
        if place and (place.symbol or place.lines):
            where = ", ".join(part for part in (place.symbol, place.file) if part)
            if not place.lines:
                lines.append(line(f"   in {where}", "dim"))
            for row, text in place.lines:
                lines.append(((f"   {where}, line {row}: ", "dim"), (shortened(text, 120), "")))
        lines += [(("   ", ""), *spans) for spans in finding.evidence]
        if finding.remedy:
            lines.append((("   ", ""), (finding.remedy, "code")))
        if finding.why:
            lines.append(line(f"   {finding.why}", "dim"))
        return lines

    def next(self) -> str:
        """What to do now."""
        again = command("learn", "doctor", self.spec)
        n = len(self.names)
        if n:
            which = "the first point, which may be the cause of others" if n > 1 else "that"
            return f"change {which}, and ask again: {again}"
        name = self.spec if ":" in self.spec else f"{self.spec}:{self.symbol}"
        if self.contract:
            return (
                f"train it ({command('train', '--model', name)}), or write with official weights "
                f"({command('generate', '--model', name, '--weights', 'gpt2')})."
            )
        return (
            "it is ready to be trained. For train --model it needs a constructor GPT(config), with n_vocab, "
            "n_ctx, n_embd, n_head, n_layer and dropout in config, and a forward(ids) that returns the logits of all "
            "positions first."
        )

    def as_json(self) -> dict[str, Any]:
        """The review for a program: see docs/classroom.md. `text` is what a person would read."""
        return {
            "version": 1,
            "model": self.spec,
            "class": self.symbol,
            "built": self.how,
            "sound": self.is_sound,
            "right": list(self.sound),
            "findings": [finding.as_json() for finding in self.findings],
            "next": self.next(),
            "notes": list(self.notes),
            "output": self.output,
            "seconds": self.seconds,
            "text": text_of(self.lines()),
        }

    def packed(self) -> dict[str, Any]:
        """All of it for JSON, to be unpacked in another process."""
        return asdict(self)

    @staticmethod
    def unpacked(packed: dict[str, Any]) -> "Review":
        """The inverse of `packed`."""
        findings = tuple(Finding.unpacked(one) for one in packed["findings"])
        review = Review(**{**packed, "findings": findings})
        return replace(review, sound=tuple(packed["sound"]), notes=tuple(packed["notes"]))
