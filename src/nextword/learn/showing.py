"""The smallest failing example in little space: yours and the right one, side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from nextword.learn.comparing import ABSOLUTE, RELATIVE, Near, Raised, as_numbers, same
from nextword.learn.lines import Line, Span, Style, line

WIDTH = 36
"""How wide each of two sides may be, in characters."""

ROWS = 6
"""How many rows of a matrix are shown whole."""

MARK = "*"
"""Stands behind what differs, where that is no more than half."""


def side_by_side(yours: Any, right: Any) -> list[Line]:
    """Two values that are not the same, where they begin to differ."""
    where, yours, right = innermost(yours, right)
    before = [line(f"  {where}:", "dim")] if where else []
    if isinstance(yours, Raised) or isinstance(right, Raised):
        return before + labelled(yours, right)
    if isinstance(right, Near):
        return before + labelled(yours, right)
    table = as_table(yours, right)
    if table is not None:
        return before + table
    a, b = as_numbers(yours), as_numbers(right)
    if a is None or b is None:
        return before + labelled(yours, right)
    if a.shape != b.shape:
        return before + two_shapes(a, b)
    if a.dim() == 0:
        left, right_text = (texts[0] for texts in texts_of(a, b))
        return [*before, (("  yours: ", ""), (left, "bad"), ("   right: ", ""), (right_text, "good"))]
    return before + numbers_side_by_side(a, b)


def innermost(yours: Any, right: Any) -> tuple[str, Any, Any]:
    """The first parts of two values that differ, and where they are: "item 2", "'wte.weight'"."""
    if as_table(yours, right) is not None:
        return "", yours, right
    if isinstance(yours, Mapping) and isinstance(right, Mapping) and yours.keys() == right.keys():
        for key in right:
            if not same(yours[key], right[key]):
                where, a, b = innermost(yours[key], right[key])
                return joined(repr(key), where), a, b
    sequences = isinstance(yours, list | tuple) and isinstance(right, list | tuple)
    if sequences and len(yours) == len(right) and (as_numbers(yours) is None or as_numbers(right) is None):
        for index, (a, b) in enumerate(zip(yours, right, strict=True)):
            if not same(a, b):
                where, a, b = innermost(a, b)
                return joined(f"item {index}", where), a, b
    return "", yours, right


def joined(outer: str, inner: str) -> str:
    """One place inside another."""
    return f"{outer}, {inner}" if inner else outer


def labelled(yours: Any, right: Any) -> list[Line]:
    """Two values, each on a line of its own; of long texts, the piece where they begin to differ."""
    if isinstance(yours, str) and isinstance(right, str):
        start = next(
            (i for i, (a, b) in enumerate(zip(yours, right, strict=False)) if a != b), min(len(yours), len(right))
        )
        begin = max(0, start - 30)
        cut = "" if begin == 0 else f" (from character {begin} on)"
        return [
            (("  yours: ", ""), (shortened(repr(yours[begin:])), "bad"), (cut, "dim")),
            (("  right: ", ""), (shortened(repr(right[begin:])), "good"), (cut, "dim")),
        ]
    return [(("  yours: ", ""), (in_words(yours), "bad")), (("  right: ", ""), (in_words(right), "good"))]


def in_words(value: Any) -> str:
    """Any value in one line."""
    match value:
        case Raised():
            place = f", in line {value.line}: {value.source}" if value.line else ""
            return (
                f"an error, {value.kind}: {shortened(value.message, 200)}{place}"
                if value.message
                else f"an error, {value.kind}{place}"
            )
        case Near():
            return f"{in_words(value.value)} (give or take {value.tolerance:g})"
        case None:
            return "None"
        case bool() | str():
            return shortened(repr(value))
        case int():
            return shortened(str(value))
        case float():
            return f"{value:.6g}"
        case Tensor() if value.numel() > 1:
            flat = ", ".join(f"{number:.4g}" for number in value.detach().flatten()[:6].tolist())
            more = ", ..." if value.numel() > 6 else ""
            return f"{flat}{more} (shape {tuple(value.shape)})"
        case Tensor() if value.numel() == 1:
            return f"{value.item():.6g}"
        case Tensor():
            return f"a tensor of shape {tuple(value.shape)}"
        case list() | tuple():
            inside = ", ".join(in_words(item) for item in value[:8]) + (", ..." if len(value) > 8 else "")
            return shortened(f"[{inside}]" if isinstance(value, list) else f"({inside})", 160)
        case Mapping():
            return shortened("{" + ", ".join(f"{key!r}: {in_words(item)}" for key, item in value.items()) + "}", 160)
    return shortened(f"{value!r} ({type(value).__name__})")


def shortened(text: str, length: int = 90) -> str:
    """A text without its end, if it is long."""
    return text if len(text) <= length else f"{text[: length - 4]} ..."


def as_table(yours: Any, right: Any) -> list[Line] | None:
    """Two small dictionaries, or two lists of texts, as rows of a table; None for other things."""
    if isinstance(yours, Mapping) and isinstance(right, Mapping):
        keys: list[Any] = list(dict.fromkeys([*right, *yours]))
        pairs = [(str(key), yours.get(key, ABSENT), right.get(key, ABSENT)) for key in keys]
    elif is_texts(yours) and is_texts(right):
        n = max(len(yours), len(right))
        pairs = [
            (str(i), yours[i] if i < len(yours) else ABSENT, right[i] if i < len(right) else ABSENT) for i in range(n)
        ]
    else:
        return None
    differing = [pair for pair in pairs if pair[1] is ABSENT or pair[2] is ABSENT or not same(pair[1], pair[2])]
    if len(pairs) > 8:
        pairs = differing[:8]
    if not pairs or any(not is_small(value) for _, *values in pairs for value in values):
        return None
    rows = [("", "yours", "right"), *((name, in_words(a), in_words(b)) for name, a, b in pairs)]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    lines: list[Line] = []
    for number, (name, a, b) in enumerate(rows):
        wrong = number > 0 and pairs[number - 1] in differing
        mark = MARK if wrong and len(differing) <= len(pairs) // 2 else ""
        lines.append(
            (
                (f"  {name:<{first}}  ", "dim"),
                (f"{a + mark:<{second + 1}}", "bad" if wrong else "dim" if number == 0 else ""),
                (f"   {b}", "good" if wrong else "dim" if number == 0 else ""),
            )
        )
    return lines


class Absent:
    """Stands where one of two tables has no row."""

    def __repr__(self) -> str:
        return "-"


ABSENT = Absent()


def is_texts(value: Any) -> bool:
    """Whether this is a list of texts."""
    return isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(item, str) for item in value)


def is_small(value: Any) -> bool:
    """Whether a value fits into a cell of a table."""
    if isinstance(value, Tensor):
        return value.numel() == 1
    if isinstance(value, str):
        return len(value) < 34
    return value is None or (isinstance(value, bool | int | float | Absent | Near) and len(in_words(value)) < 40)


def numbers_side_by_side(a: Tensor, b: Tensor) -> list[Line]:
    """Two tensors of one shape: whole if they are small matrices, else from the first row on that differs."""
    wrong = differing(a, b)
    where = ""
    if a.dim() == 1:
        a, b, wrong = a[None], b[None], wrong[None]
    if a.dim() > 2:
        index = tuple(torch.nonzero(wrong.flatten(-2).any(-1))[0].tolist())
        where = ", ".join(map(str, index))
        a, b, wrong = a[index], b[index], wrong[index]
    if a.size(0) > ROWS:
        row = int(torch.nonzero(wrong.any(-1))[0])
        where = joined(where, f"{row}" if where else f"row {row}")
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
    header = [line(f"  {where}", "dim")] if where else []
    lines: list[Line] = [*header, ((f"    {'yours':^{width}}   {'right':^{width}}".rstrip(), "dim"),)]
    for row in range(a.size(0)):
        spans: list[Span] = [("    ", "")]
        sides: tuple[tuple[list[str], Style], ...] = ((left, "bad"), (right, "good"))
        for texts, style in sides:
            spans.append((before, "dim"))
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
    sides: tuple[tuple[str, Tensor, Style], ...] = (("yours", a, "bad"), ("right", b, "good"))
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


def differing(a: Tensor, b: Tensor) -> Tensor:
    """Which numbers of two tensors of one shape are not the same; see `comparing.close`."""
    finite = b[b.isfinite()].abs()
    scale = max(1.0, float(finite.max())) if finite.numel() else 1.0
    return ~torch.isclose(a, b, rtol=RELATIVE, atol=ABSOLUTE * scale, equal_nan=True)


def texts_of(a: Tensor, b: Tensor) -> tuple[list[str], list[str]]:
    """The numbers of two tensors in so many digits that those that differ read differently."""
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


def sequence_lengths(yours: Sequence[Any], right: Sequence[Any]) -> str:
    """How the lengths of two lists differ, in words."""
    return f"It has {len(yours)} item{'' if len(yours) == 1 else 's'}; the right one has {len(right)}."
