"""Reports on code that cannot be read, or did not end normally."""

import traceback

from nextword.commands import command
from nextword.learn.checker.comparing import raised
from nextword.learn.checker.exercise import Exercise
from nextword.learn.checker.lines import line
from nextword.learn.checker.report import Report
from nextword.learn.checker.track import TRACK
from nextword.learn.checker.wording import title
from nextword.learn.course.importing import MissingSymbol


def unreadable(exercise: Exercise, failure: BaseException, file: str) -> Report:
    """The learner's file could not even be run, or has not what is asked for."""
    lines = [title(exercise, "not yet")]
    status = "unreadable"
    match failure:
        case SyntaxError():
            place = f"{short_name(failure.filename) or file}, line {failure.lineno}"
            lines += [line(f"{place} is not Python: {failure.msg}."), ()]
            source = (failure.text or "").rstrip()
            if source.strip():
                indent = len(source) - len(source.lstrip())
                lines.append(line(f"  {source.lstrip()}"))
                if failure.offset:
                    lines.append(line("  " + " " * max(0, failure.offset - 1 - indent) + "^", "bad"))
        case MissingSymbol():
            there = f" It has {', '.join(failure.there)}." if failure.there else ""
            lines.append(line(f"{failure.file} has no {failure.symbol}.{there} Did you rename it?"))
            lines.append(line(f"Call it {failure.symbol}, or say in learn.toml where it is.", "code"))
        case FileNotFoundError() if failure.filename and str(failure.filename).endswith(".py"):
            lines.append(line(f"{failure.filename} is not there."))
            number = TRACK.number(exercise.name)
            lines.append(
                line(f"{command('learn', 'reset', number)} writes {file} anew; or correct learn.toml.", "code")
            )
        case SystemExit():
            lines.append(line(f"{file} ends the program (exit) while it is imported."))
        case NotImplementedError():
            status = "unfinished"
            found = raised(failure)
            lines = [title(exercise, "still to be written")]
            lines.append(line(f"{file} reaches an unwritten piece while it is imported: line {found.line}."))
        case _:
            found = raised(failure)
            lines.append(line(f"{file} cannot be imported: {found.kind}: {found.message.rstrip('.')}."))
            if found.line:
                lines += [(), ((f"  line {found.line}: ", "dim"), (found.source, ""))]
    return Report(exercise.name, status, tuple(lines), n_probes=len(exercise.probes))


def stopped(exercise: Exercise, status: str, reason: str, place: tuple[str, int, str] | None) -> Report:
    """Report code that ran out of time or ended its process. place: file, line, and its source."""
    lines = [title(exercise, "not yet"), line(reason)]
    if place is not None:
        file, number, source = place
        lines += [(), ((f"  {file}, line {number}: ", "dim"), (source, ""))]
    return Report(exercise.name, status, tuple(lines), n_probes=len(exercise.probes))


def internal(exercise: Exercise, failure: BaseException) -> Report:
    """nextword's own mistake: say so, with what is needed to report it."""
    lines = [
        title(exercise, "the check itself failed"),
        line("This is nextword's mistake, not yours. Please report it with these lines:"),
        *(line(f"  {text}", "dim") for text in "".join(traceback.format_exception(failure)).splitlines()[-12:]),
    ]
    return Report(exercise.name, "crashed", tuple(lines), n_probes=len(exercise.probes))


def short_name(path: str | None) -> str:
    """A file's name without its folders."""
    return path.replace("\\", "/").rpartition("/")[2] if path else ""
