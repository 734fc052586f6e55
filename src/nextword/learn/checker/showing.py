"""The smallest failing example in little space: yours and the right one, side by side."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from nextword.learn.checker.comparing import Near, Raised, as_numbers, same
from nextword.learn.checker.lines import Line, line
from nextword.learn.checker.matrices import MARK, numbers_side_by_side, texts_of, two_shapes


def side_by_side(yours: Any, right: Any) -> list[Line]:
    """Show two different values side by side, from their first difference."""
    where, yours, right = innermost(yours, right)
    before = [line(f"  {where}:", "dim")] if where else []
    if isinstance(yours, Raised) or isinstance(right, Raised):
        return before + labelled(yours, right)
    if isinstance(right, Near) and isinstance(yours, Near):
        return before + statistics(yours, right)
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
    """Find the first differing parts of two values, and their place: "item 2", "'wte.weight'"."""
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


def statistics(yours: Near, right: Near) -> list[Line]:
    """Two values that were counted or averaged over random draws."""
    a, b = as_numbers(yours.value), as_numbers(right.value)
    if a is None or b is None or a.shape != b.shape or a.dim() == 0:
        return labelled(yours, right)
    return [line(f"  give or take {right.tolerance:.2g}:", "dim"), *numbers_side_by_side(a, b, right.tolerance)]


def joined(outer: str, inner: str) -> str:
    """One place inside another."""
    return f"{outer}, {inner}" if inner else outer


def labelled(yours: Any, right: Any) -> list[Line]:
    """Show two values, each on a line; of long texts, the piece around the first difference."""
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
            place = f", in {value.file or 'your code'}, line {value.line}: {value.source}" if value.line else ""
            return (
                f"an error, {value.kind}: {shortened(value.message, 200)}{place}"
                if value.message
                else f"an error, {value.kind}{place}"
            )
        case Near():
            number = as_numbers(value.value)
            if number is None or number.numel() != 1:
                return f"{in_words(value.value)} ± {value.tolerance:.2g}"
            digits = max(0, 1 - math.floor(math.log10(value.tolerance))) if value.tolerance > 0 else 6
            return f"{number.item():.{digits}f} ± {value.tolerance:.{digits}f}"
        case None:
            return "None"
        case Absent():
            return "-"
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


def sequence_lengths(yours: Sequence[Any], right: Sequence[Any]) -> str:
    """How the lengths of two lists differ, in words."""
    return f"It has {len(yours)} item{'' if len(yours) == 1 else 's'}; the right one has {len(right)}."
