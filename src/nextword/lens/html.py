"""HTML for notebooks, of arrays and texts: small, self-contained, and all that is shown is escaped."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 32  # rows and columns of a table; of more the last are shown, as `plot` shows all

STYLE = """<style>
.nextword-lens{font:13px/1.5 system-ui,sans-serif;overflow-x:auto}
.nextword-lens p{margin:.4em 0}
.nextword-lens table{border-collapse:collapse;font-size:11px;margin:.4em 0}
.nextword-lens th,.nextword-lens td{padding:1px 4px;white-space:pre;border:0;color:inherit}
.nextword-lens tr th:first-child{text-align:right;font-weight:400}
.nextword-lens tr td{text-align:center;min-width:12px;height:14px;background:rgb(60 120 210/calc(.75*var(--p,0)))}
.nextword-lens tr td.n{background:rgb(210 60 50/calc(.75*var(--p,0)))}
.nextword-lens thead th{writing-mode:vertical-rl;font-weight:400;text-align:right}
.nextword-lens .text{font-size:15px;line-height:1.9;white-space:pre-wrap}
.nextword-lens .text span{background:rgb(210 60 50/calc(.75*var(--p,0)));border-radius:3px}
.nextword-lens .text span.n{background:rgb(60 120 210/calc(.75*var(--p,0)))}
.nextword-lens .bars td,.nextword-lens .bars td.n{text-align:left;background:none}
.nextword-lens .bars td span{display:inline-block;height:9px;width:calc(240px*var(--p));background:#3c78d2}
.nextword-lens .bars td.n span{background:#d23c32}
</style>"""


def shown(title: str, *parts: str) -> str:
    """Frame parts under a title, with the style that they need; the parts are HTML already."""
    return f'{STYLE}<div class="nextword-lens"><p><b>{escape(title)}</b></p>{"".join(parts)}</div>'


def sentence(text: str) -> str:
    """Write a line of explanation."""
    return f"<p>{escape(text)}</p>"


def coloured_text(tokens: Sequence[str], values: NDArray[np.floating[Any]], unit: str) -> str:
    """Write a text whose tokens are the redder, the larger their numbers; negative ones are blue."""
    reach = largest(values)
    titles = [f"{value:.3g} {unit}".strip() if math.isfinite(value) else "" for value in values.tolist()]
    return spans(zip(tokens, titles, (shade(value, reach) for value in values.tolist()), strict=True))


def spans(tokens: Iterable[tuple[str, str, str]]) -> str:
    """Write tokens in a row: of each its text, what pointing at it shows, and its shade."""
    inner = (
        f'<span title="{escape(title)}"{attributes}>{escape(text.replace("↵", "↵" + chr(10)))}</span>'
        for text, title, attributes in tokens
    )
    return f'<div class="text">{"".join(inner)}</div>'


def bars(labels: Sequence[str], values: NDArray[np.floating[Any]], unit: str) -> str:
    """Draw a bar for each number, red for negative ones."""
    reach = largest(values)
    rows = (
        f"<tr><th>{escape(label)}</th><td{shade(value, reach)}><span></span> {value:.3g}</td></tr>"
        for label, value in zip(labels, values.tolist(), strict=True)
    )
    return f'<table class="bars">{"".join(rows)}</table>{sentence(unit) if unit else ""}'


def colour_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: NDArray[np.floating[Any]],
    words: NDArray[np.object_] | None = None,
) -> str:
    """Make a table of coloured cells, with words; of a long side the last `MOST`."""
    reach = largest(values)
    first_row, first_column = max(0, len(rows) - MOST), max(0, len(columns) - MOST)
    header = "".join(f"<th>{escape(label)}</th>" for label in columns[first_column:])
    lines = []
    for i in range(first_row, len(rows)):
        cells = []
        for j in range(first_column, len(columns)):
            value, word = float(values[i, j]), "" if words is None else escape(str(words[i, j]))
            title = f' title="{escape(f"{rows[i]} → {columns[j]}: {value:.3g}")}"' if value else ""
            cells.append(f"<td{title}{shade(value, reach)}>{word}</td>")
        lines.append(f"<tr><th>{escape(rows[i])}</th>{''.join(cells)}</tr>")
    return f"<table><thead><tr><th></th>{header}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def cut(name: str, size: int) -> str:
    """Say how much of a side a table shows, if not all of it."""
    return f"Of {size:,} places on the axis “{name}” the last {MOST} are shown. " if size > MOST else ""


def shade(value: float, reach: float) -> str:
    """Write the attributes of a colour: how strong, from 0 to 1, and whether for a negative number."""
    if not math.isfinite(value) or not value:
        return ""
    negative = ' class="n"' if value < 0 else ""
    return f'{negative} style="--p:{min(abs(value) / reach, 1.0):.2f}"'


def largest(values: NDArray[np.floating[Any]]) -> float:
    """Find the largest absolute value, by which colours are measured; never 0."""
    finite = np.abs(values[np.isfinite(values)])
    return max(float(finite.max()), 1e-12) if finite.size else 1.0


def listing(rows: Iterable[Sequence[str]]) -> str:
    """List things with what there is to say of each, folded up until it is opened."""
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<details><summary>names</summary><table class="bars">{lines}</table></details>'
