"""Numbers as matrices, yours and the right one side by side, with what differs marked."""

import torch
from torch import Tensor

from nextword.learn.checker.comparing import ABSOLUTE, RELATIVE
from nextword.learn.checker.lines import Emphasis, Line, Span, line

WIDTH = 36
"""How wide each of two sides may be, in characters."""

ROWS = 6
"""How many rows of a matrix are shown whole."""

MARK = "*"
"""Stands behind what differs, where that is no more than half."""


def numbers_side_by_side(a: Tensor, b: Tensor, tolerance: float | None = None) -> list[Line]:
    """Show two tensors of one shape: whole if small, else from the first differing row on."""
    wrong = differing(a, b, tolerance)
    where = ""
    while a.dim() > 2 and a.size(0) == 1:  # one text, one head: no need to say which
        a, b, wrong = a[0], b[0], wrong[0]
    if a.dim() == 1:
        a, b, wrong = a[None], b[None], wrong[None]
    if a.dim() > 2:
        index = tuple(torch.nonzero(wrong.flatten(-2).any(-1))[0].tolist())
        where = ", ".join(map(str, index))
        a, b, wrong = a[index], b[index], wrong[index]
    if a.size(0) > ROWS:
        row = int(torch.nonzero(wrong.any(-1))[0])
        where = f"{where}, {row}" if where else f"row {row}"
        a, b, wrong = a[row : row + 1], b[row : row + 1], wrong[row : row + 1]
    elif where:
        where += ", :, :" if a.size(0) > 1 else ", 0"
    if where and "," in where:
        where = f"[{where}]" if ":" in where else f"row [{where}]"
    left, right = texts_of(a, b)
    mixed = 0 < int(wrong.sum()) <= wrong.numel() // 2  # where most are wrong, marks would hide the numbers
    cell = max(map(len, (*left, *right))) + (1 if mixed else 0)
    fits = max(1, (WIDTH + 1) // (cell + 1))
    columns, start = a.size(1), 0
    if columns > fits:
        first = int(torch.nonzero(wrong.any(0))[0])
        start = min(max(0, first - 1), columns - fits) if first >= fits else 0
    shown = range(start, min(start + fits, columns))
    before, after = ("... " if start else ""), (" ..." if shown.stop < columns else "")
    width = len(before) + len(shown) * (cell + 1) - 1 + len(after)
    padding = " " * max(0, len("yours") - width)
    width += len(padding)
    if len(shown) < columns:
        piece = f"columns {shown.start} to {shown.stop - 1} of {columns}"
        where = f"{where}, {piece}" if where else piece
    header = [line(f"  {where}", "dim")] if where else []
    lines: list[Line] = [*header, ((f"    {'yours':^{width}}   {'right':^{width}}".rstrip(), "dim"),)]
    for row in range(a.size(0)):
        spans: list[Span] = [("    ", "")]
        sides: tuple[tuple[list[str], Emphasis], ...] = ((left, "bad"), (right, "good"))
        for texts, style in sides:
            spans.append((padding + before, "dim"))
            for column in shown:
                is_wrong = bool(wrong[row, column])
                text = texts[row * columns + column] + ((MARK if is_wrong else " ") if mixed else "")
                gap = "" if column == shown.start else " "
                spans.append((f"{gap}{text:>{cell}}", style if is_wrong else ""))
            spans.append((after, "dim"))
            if texts is left:
                spans.append((" | ", "dim"))
        lines.append(tuple(spans))
    return lines


def two_shapes(a: Tensor, b: Tensor) -> list[Line]:
    """Two tensors that have not even the same shape."""
    lines: list[Line] = []
    sides: tuple[tuple[str, Tensor, Emphasis], ...] = (("yours", a, "bad"), ("right", b, "good"))
    for name, tensor, style in sides:
        shape = "a single number" if tensor.dim() == 0 else f"shape {tuple(tensor.shape)}"
        lines.append(((f"  {name}: ", ""), (f"{shape}", style)))
        if 0 < tensor.dim() <= 2 and tensor.numel() > 0 and (tensor.dim() == 1 or tensor.size(0) <= ROWS):
            rows = tensor[None] if tensor.dim() == 1 else tensor
            texts = texts_of(tensor, tensor)[0]
            cell, n = max(map(len, texts)), rows.size(1)
            fits = max(1, 2 * WIDTH // (cell + 1))
            for row in range(rows.size(0)):
                cells = " ".join(f"{text:>{cell}}" for text in texts[row * n : row * n + min(n, fits)])
                lines.append(line(f"    {cells}{' ...' if n > fits else ''}"))
        elif tensor.dim() == 0:
            lines.append(line(f"    {texts_of(tensor, tensor)[0][0]}"))
    return lines


def differing(a: Tensor, b: Tensor, tolerance: float | None = None) -> Tensor:
    """Which numbers of two tensors of one shape are not the same; see `comparing.close`."""
    if tolerance is not None:
        return ~((a - b).abs() <= tolerance)
    finite = b[b.isfinite()].abs()
    scale = max(1.0, float(finite.max())) if finite.numel() else 1.0
    return ~torch.isclose(a, b, rtol=RELATIVE, atol=ABSOLUTE * scale, equal_nan=True)


def texts_of(a: Tensor, b: Tensor) -> tuple[list[str], list[str]]:
    """Format two tensors with enough digits for different numbers to read differently."""
    left, right = a.flatten().tolist(), b.flatten().tolist()
    finite = [
        abs(number) for number in (*left, *right) if number not in (float("inf"), -float("inf")) and number == number
    ]
    largest = max(finite, default=0.0)
    whole = all(number == int(number) for number in finite) and largest < 1e6
    wrong = differing(a, b).flatten().tolist() if a.shape == b.shape else [False] * len(left)
    kind = "e" if largest >= 1e6 or 0.0 < largest < 1e-3 else "f"
    texts: tuple[list[str], list[str]] = ([], [])
    for digits in [0] if whole else range(2, 9):
        texts = ([number_text(n, digits, kind) for n in left], [number_text(n, digits, kind) for n in right])
        if not any(w and x == y for w, x, y in zip(wrong, texts[0], texts[1], strict=False)):
            break
    return texts


def number_text(number: float, digits: int, kind: str) -> str:
    """One number with so many digits; no minus before a zero."""
    text = f"{number:.{digits}{kind}}"
    return text.lstrip("-") if float(text) == 0 else text
