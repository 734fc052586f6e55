"""The report of a benchmark in Markdown, JSON and PNG."""

import json
from collections.abc import Iterable
from pathlib import Path

from nextword.bench.figures import TOKENS, Findings, Row
from nextword.runtime.files import replacing

COLOURS = ("#1f77b4", "#7f7f7f", "#bcbd22", "#17becf", "#9467bd", "#8c564b", "#e377c2", "#2ca02c")


def markdown(findings: Findings) -> str:
    """Write the whole report in Markdown."""
    parts = [
        f"{findings.machine}.",
        f"Weights: {findings.model}. Versions: {pairs(findings.versions)}.",
        "### The machine\n\n" + machine_table(findings),
    ]
    for work, rows in by_work(findings.rows).items():
        parts.append(f"### {work[0].upper()}{work[1:]}\n\n" + work_table(rows))
    if findings.absent:
        absent = "\n".join(f"- {name}: {reason}" for name, reason in findings.absent.items())
        parts.append("### Not measured\n\n" + absent)
    parts.append("### Do they compute the same?\n\n" + "\n".join(f"- {line}" for line in findings.checks))
    parts.append("### How it was measured\n\n" + "\n".join(f"- {line}" for line in findings.method))
    return "\n\n".join(parts) + "\n"


def machine_table(findings: Findings) -> str:
    """Write the table of the machine's rates."""
    lines = ["| rate | | least to most |", "|---|---|---|"]
    for name in findings.rates:
        values = findings.rates[name]
        spread = f"{rate_in_words(name, min(values))} to {rate_in_words(name, max(values))}" if len(values) > 1 else ""
        lines.append(f"| {name} | {rate_in_words(name, findings.rate(name))} | {spread} |")
    return "\n".join(lines)


def rate_in_words(name: str, rate: float) -> str:
    """370 GFLOP/s, 27.1 GB/s"""
    return f"{rate / 1e9:,.0f} GFLOP/s" if "products" in name else f"{rate / 1e9:.1f} GB/s"


def work_table(rows: Iterable[Row]) -> str:
    """Write the table of one piece of work, a line for each program."""
    rows = list(rows)
    limited = any(row.limit for row in rows)
    remembered = any(row.peak_memory for row in rows)
    header = ["program", "precision", rows[0].unit]
    header += ["share of the limit"] * limited + ["memory"] * remembered
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in rows:
        cells = [row.program, row.precision, figure_in_words(row)]
        cells += [share_in_words(row)] * limited + [memory_in_words(row)] * remembered
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def figure_in_words(row: Row) -> str:
    """61.2 (60.1 to 61.9)"""
    figure = row.figure
    spread = f" ({number(figure.low)} to {number(figure.high)})" if len(figure.values) > 1 else ""
    return f"{number(figure.median)}{spread}"


def share_in_words(row: Row) -> str:
    """91% of 67"""
    return f"{row.share:.0%} of {number(row.limit)}" if row.share and row.limit else ""


def memory_in_words(row: Row) -> str:
    """620 MiB"""
    return f"{row.peak_memory / 2**20:,.0f} MiB" if row.peak_memory else ""


def number(value: float) -> str:
    """Write a number with three digits, or all before the point: 0.412, 61.2, 1,234"""
    decimals = next((digits for digits, top in ((3, 1), (2, 10), (1, 100)) if abs(value) < top), 0)
    return f"{value:,.{decimals}f}"


def by_work(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group the rows by their work."""
    works: dict[str, list[Row]] = {}
    for row in rows:
        works.setdefault(row.work, []).append(row)
    return works


def pairs(values: dict[str, str]) -> str:
    """nextword 0.1.0, torch 2.13.0"""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def save(findings: Findings, directory: Path, name: str = "benchmark") -> list[Path]:
    """Write benchmark.md, benchmark.json and, if anything was measured, benchmark.png; give back their paths."""
    paths = save_text(findings, directory, name)
    if findings.rows:
        paths.append(directory / f"{name}.png")
        draw(findings, paths[-1])
    return paths


def save_text(findings: Findings, directory: Path, name: str = "benchmark") -> list[Path]:
    """Write benchmark.md and benchmark.json; give back their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    page, numbers = (directory / f"{name}.{kind}" for kind in ("md", "json"))
    picture = f"![{alternative(findings)}]({name}.png)\n\n" if findings.rows else ""
    page.write_text(picture + markdown(findings), encoding="utf-8")
    numbers.write_text(json.dumps(findings.as_json(), indent=1) + "\n", encoding="utf-8")
    return [page, numbers]


def alternative(findings: Findings) -> str:
    """Describe the picture in words."""
    return f"Bars of how fast each program was, on {findings.machine.processor}"


def draw(findings: Findings, picture: Path) -> None:
    """Draw a bar chart, with a panel for each piece of work and the limits as lines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    works = by_work(findings.rows)
    heights = [0.55 + 0.24 * len(rows) for rows in works.values()]
    n_columns = 2 if len(works) > 1 else 1
    columns: list[list[str]] = [[] for _ in range(n_columns)]
    filled = [0.0] * n_columns
    for work, height in zip(works, heights, strict=True):  # each panel goes to the shorter column
        shortest = filled.index(min(filled))
        columns[shortest].append(work)
        filled[shortest] += height
    drawing = Drawing(figsize=(6 * n_columns, max(filled) + 0.4), layout="constrained")
    height_of = dict(zip(works, heights, strict=True))
    programs = list(dict.fromkeys(row.program for row in findings.rows))
    parts = drawing.subfigures(1, n_columns, squeeze=False)[0]
    for part, column in zip(parts, columns, strict=True):
        panels = part.subplots(len(column), squeeze=False, height_ratios=[height_of[work] for work in column])
        for axes, work in zip(panels[:, 0], column, strict=True):
            draw_panel(axes, work, works[work], programs)
    with replacing(picture) as file:
        FigureCanvasAgg(drawing).print_png(str(file))


def draw_panel(axes, work: str, rows: list[Row], programs: list[str]) -> None:  # type: ignore[no-untyped-def]
    """Draw one piece of work: its bars, and a mark at the machine's limit over each."""
    places = range(len(rows))
    values = [row.figure.median for row in rows]
    colours = [COLOURS[programs.index(row.program) % len(COLOURS)] for row in rows]
    spread = [[value - row.figure.low for value, row in zip(values, rows, strict=True)]]
    spread.append([row.figure.high - value for value, row in zip(values, rows, strict=True)])
    axes.barh(places, values, color=colours, xerr=spread, error_kw={"lw": 0.8, "ecolor": "0.3"}, height=0.75)
    for place, row in zip(places, rows, strict=True):
        if row.limit:
            axes.plot([row.limit] * 2, [place - 0.4, place + 0.4], color="#d62728", lw=1.5)
        axes.annotate(
            number(row.figure.median),
            (row.figure.high, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    axes.set_yticks(places, [f"{row.program}  {row.precision}" for row in rows], fontsize=7)
    axes.invert_yaxis()
    better = "more is better, red: the machine's limit" if rows[0].unit == TOKENS else "less is better"
    axes.set_title(f"{work} ({rows[0].unit}; {better})", fontsize=8, loc="left")
    axes.tick_params(axis="x", labelsize=7)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
