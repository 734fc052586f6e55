"""`nextword watch`: a run that goes on somewhere, in a terminal."""

import json
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from nextword.cli.arguments import parse
from nextword.cli.durations import duration

if TYPE_CHECKING:
    from nextword.curves import Curve

ROWS = 14
QUIET = 300.0
"""Seconds without a new line after which a run is said to stand still."""


@dataclass(frozen=True)
class Arguments:
    """Watch a run: its losses as a curve, its speed and what is left, its newest sample.

    It only reads files, so the run may be anyone's, and on another machine whose disk is shared. Ctrl-C ends it.
    """

    run: Annotated[str, tyro.conf.Positional]
    """A run's directory, its log.jsonl, or a file with what another program prints (nanoGPT, llm.c, ...)."""

    every: float = 2.0
    """Seconds between looks."""

    once: bool = False
    """Look once, and end."""


def run(arguments: list[str]) -> int:
    """Show the run until it is at its end, or Ctrl-C."""
    args = parse(Arguments, "watch", arguments)
    if args.every <= 0:
        raise ValueError(f"--every must be above 0, not {args.every:g}.")

    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    path = Path(args.run).expanduser()
    console = Console(highlight=False)
    if args.once or not console.is_terminal:
        print("\n".join(look(path, console.width, time.time())[0]))
        return 0
    with Live(console=console, auto_refresh=False) as live:
        while True:
            lines, is_over = look(path, console.width, time.time())
            live.update(Text("\n".join(lines), overflow="ellipsis", no_wrap=True), refresh=True)
            if is_over:
                return 0
            try:
                time.sleep(args.every)
            except KeyboardInterrupt:
                return 0


def look(path: Path, columns: int, now: float) -> tuple[list[str], bool]:
    """Describe a run as it is now -> (lines so wide, whether it is at its end)."""
    from nextword.curves import judge, read_curve
    from nextword.curves.text_plot import text_plot

    curve = read_curve(path)
    log = path / "log.jsonl" if path.is_dir() else path
    steps = planned_steps(log)
    is_over = steps is not None and curve.step >= steps
    entries = newest(log)
    lines = [
        headline(curve, steps, now - log.stat().st_mtime),
        *textwrap.wrap(numbers(curve, entries, None if is_over else steps), columns),
        "",
        *text_plot([curve.train, curve.val], min(columns, 100), ROWS),
        "",
        *sample(log.with_name("samples.md"), columns),
        *textwrap.wrap(str(judge(curve)), columns),
    ]
    return lines, is_over


def planned_steps(log: Path) -> int | None:
    """Read how many updates a run is to make; None where nobody says."""
    try:
        steps: int = json.loads(log.with_name("run.json").read_text(encoding="utf-8"))["plan"]["steps"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return steps


def newest(log: Path, count: int = 20) -> list[dict[str, Any]]:
    """Read the last lines of a log.jsonl; nothing of another program's."""
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]:
        try:
            entry = json.loads(line)
        except ValueError:  # half a line, which is being written, or none of ours
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def headline(curve: "Curve", steps: int | None, silent: float) -> str:
    """Name the run, how far it is, and whether it moves."""
    far = f"step {curve.step:,}" if steps is None else f"step {curve.step:,} of {steps:,} ({curve.step / steps:.0%})"
    if steps is not None and curve.step >= steps:
        return f"{curve.name}   {far}, at its end"
    stands = f"   nothing new for {duration(silent)}: it has stopped, or waits" if silent > QUIET else ""
    return f"{curve.name}   {far}{stands}"


def numbers(curve: "Curve", entries: list[dict[str, Any]], steps: int | None) -> str:
    """Write the losses, the speed, and the time that is left."""
    parts = []
    for name, loss in (("training", curve.train_now(0.02)), ("best validation", curve.best_val)):
        if loss is not None:
            bits = curve.bits_per_byte(loss)
            parts.append(f"{name} {loss:.3f}" + (f" ({bits:.2f} bits a byte)" if bits is not None else ""))
    speeds = [entry["tok_per_s"] for entry in entries if entry.get("tok_per_s")]
    if speeds:
        speed = sorted(speeds)[len(speeds) // 2]
        parts.append(f"{speed:,.0f} tokens/s")
        per_step = curve.circumstances.tokens_per_step
        if steps is not None and per_step is not None:
            parts.append(f"{duration((steps - curve.step) * per_step / speed)} left")
    for name, label in (("lr", "learning rate"), ("grad_norm", "gradient")):
        value = next((entry[name] for entry in reversed(entries) if entry.get(name) is not None), None)
        if value is not None:
            parts.append(f"{label} {value:.2g}")
    return "   ".join(parts)


def sample(file: Path, columns: int) -> list[str]:
    """Read the run's newest sample: a line of where it was written, and some lines of it."""
    try:
        section = file.read_text(encoding="utf-8").rsplit("## Step ", 1)[1]
    except (OSError, IndexError):
        return []
    step, *text = section.strip().splitlines()
    quoted = " / ".join(line.removeprefix(">").strip() for line in text if line.strip(" >"))
    shown = quoted if len(quoted) <= 2 * columns else quoted[: 2 * columns - 4] + " ..."
    lines = [shown[start : start + columns] for start in range(0, len(shown), columns)]
    return [f"Written at step {step}:", *lines, ""]
