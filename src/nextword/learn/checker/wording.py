"""A diagnosis in words: the mistake by its name, the smallest example, the remedy."""

import inspect
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from nextword.learn.checker.comparing import Raised
from nextword.learn.checker.diagnosis import Diagnosis, Difference
from nextword.learn.checker.exercise import Exercise, Mistake
from nextword.learn.checker.lines import Emphasis, Line, line
from nextword.learn.checker.observing import observations
from nextword.learn.checker.report import Report
from nextword.learn.checker.showing import side_by_side
from nextword.learn.checker.track import TRACK

N_OBSERVATIONS = 2
"""How many things are said of an answer whose mistake is not known."""


def report(exercise: Exercise, diagnosis: Diagnosis, file: str, theirs: Any = None) -> Report:
    """A diagnosis in words. file: the learner's; theirs: the object with the learner's symbols."""
    n_right = diagnosis.n_probes - len(diagnosis.differences)
    first = diagnosis.differences[0] if diagnosis.differences else None
    if diagnosis.status == "passed":
        lines = passed(exercise, diagnosis)
    elif first is None:
        lines = [title(exercise, "not yet")]
    elif diagnosis.status == "unfinished":
        lines = unfinished(exercise, diagnosis.differences, file)
    elif diagnosis.status == "error":
        lines = error(exercise, first, file, theirs)
    else:
        lines = wrong(exercise, diagnosis, n_right)
    return Report(
        exercise=exercise.name,
        status=diagnosis.status,
        lines=tuple(lines),
        mistakes=tuple(asdict(mistake) for mistake in diagnosis.mistakes),
        n_probes=diagnosis.n_probes,
        n_right=n_right,
        first_wrong=first.probe if first else "",
    )


def title(exercise: Exercise, outcome: str) -> Line:
    """Exercise 7, LayerNorm: not yet."""
    style: Emphasis = "good" if outcome == "passed" else "bold"
    return ((f"Exercise {TRACK.number(exercise.name)}, {exercise.title}: ", "bold"), (f"{outcome}.", style))


def passed(exercise: Exercise, diagnosis: Diagnosis) -> list[Line]:
    """Everything agrees."""
    return [title(exercise, "passed")]


def unfinished(exercise: Exercise, differences: Sequence[Difference], file: str) -> list[Line]:
    """A stub is still in it."""
    stub = next((d.yours for d in differences if isinstance(d.yours, Raised) and d.yours.unfinished), None)
    names = " and ".join(exercise.symbols)
    place = f" (line {stub.line})" if stub and stub.line else ""
    return [title(exercise, "still to be written"), line(f"Write {names} in {file}{place}.")]


def wrong(exercise: Exercise, diagnosis: Diagnosis, n_right: int) -> list[Line]:
    """Report a partly wrong answer: its mistakes or observations, and the smallest example."""
    first = diagnosis.differences[0]
    lines = [title(exercise, "not yet"), *(of_mistakes(diagnosis.mistakes) if diagnosis.mistakes else [])]
    count = f"{n_right} of {diagnosis.n_probes} experiments agree"
    if not diagnosis.mistakes:
        lines.append(line(f"{count[0].upper()}{count[1:]}. This is none of the mistakes that nextword knows by name."))
        lines += [line(words) for words in observations(first.yours, first.right)[:N_OBSERVATIONS]]
        if isinstance(first.yours, Raised):
            lines.append(line(of_error(first.yours)))
    which = (
        ""
        if n_right == 0
        else f" (the first that differs; {count})"
        if diagnosis.mistakes
        else " (the first that differs)"
    )
    lines += [(), ((first.probe, ""), (f"{which}:", "dim" if which else ""))]
    return lines + side_by_side(first.yours, first.right)


def of_mistakes(mistakes: Sequence[Mistake]) -> list[Line]:
    """Your answer equals this, and what to do about it."""
    lines: list[Line] = [(("Your answer equals ", ""), *joined_by_and(mistakes), (".", ""))]
    for number, mistake in enumerate(mistakes):
        before = "" if len(mistakes) == 1 else f"{number + 1}. "
        lines.append(((before, ""), (mistake.remedy, "code")))
    lines += [line(mistake.why, "dim") for mistake in mistakes]
    return lines


def joined_by_and(mistakes: Sequence[Mistake]) -> Line:
    """The first, and, besides, the second."""
    spans: list[tuple[str, Any]] = []
    for mistake in mistakes:
        spans += [(" and, besides, ", "")] if spans else []
        spans.append((mistake.equals, "bold"))
    return tuple(spans)


def error(exercise: Exercise, first: Difference, file: str, theirs: Any) -> list[Line]:
    """It raises in every experiment."""
    found = first.yours
    lines = [title(exercise, "not yet")]
    unlike = signatures_unlike(exercise, theirs)
    if found.kind == "TypeError" and found.line is None and unlike:
        symbol, expected, actual = unlike
        lines.append(line(f"{symbol} cannot be called as it should be: {found.message}."))
        return [*lines, (), line(f"  yours: {symbol}{actual}", "bad"), line(f"  right: {symbol}{expected}", "good")]
    lines.append(line(of_error(found)))
    if found.line:
        lines += [(), ((f"  {found.file or file}, line {found.line}: ", "dim"), (found.source, ""))]
    return [*lines, line(f"  in: {first.probe}", "dim")]


def of_error(found: Raised) -> str:
    """An exception in a sentence, with advice where there is some."""
    known = {
        "EOFError": " While it is being checked nobody is there to answer input().",
        "RecursionError": " A function calls itself without end.",
        "UnboundLocalError": " A name is used in the function before it has a value there.",
    }
    advice = known.get(found.kind, "")
    if found.kind == "AttributeError" and "'NoneType'" in found.message:
        advice = " Something is None: does every function return its result?"
    if found.kind == "NotImplementedError" and "xor" in found.message:
        advice = " In Python a power is written x**3."
    message = f": {found.message}" if found.message else ""
    return f"It stops with {found.kind}{message}{'' if message.endswith(('.', '!', '?')) else '.'}{advice}"


def signatures_unlike(exercise: Exercise, theirs: Any) -> tuple[str, str, str] | None:
    """The first symbol whose parameters are called otherwise than ours: (symbol, ours, theirs)."""
    for symbol in exercise.symbols:
        try:
            ours, found = inspect.signature(exercise.ours(symbol)), inspect.signature(getattr(theirs, symbol))
        except (TypeError, ValueError, AttributeError):
            continue
        if list(ours.parameters) != list(found.parameters):
            return symbol, in_short(ours), in_short(found)
    return None


def in_short(signature: inspect.Signature) -> str:
    """A signature without types."""
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    return str(inspect.Signature(plain))
