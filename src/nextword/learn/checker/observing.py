"""Observations on a wrong answer of unknown mistake: a shape, a factor, an order, a NaN."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.comparing import Near, Raised, as_numbers, close
from nextword.learn.checker.matrices import differing
from nextword.learn.checker.showing import innermost, sequence_lengths


def observations(yours: Any, right: Any) -> list[str]:
    """Describe how a value differs from the right one, in sentences; the most telling first."""
    _, yours, right = innermost(yours, right)
    if isinstance(yours, Raised):
        return []  # shown as it is
    if isinstance(right, Raised):
        return [f"Here an error was expected, such as {right.kind}, and there was none."]
    if yours is None:
        return ["It is None. Does the function return its result?"]
    if yours is NotImplemented or yours is Ellipsis:
        return [f"It is {yours}: something is still to be written."]
    if isinstance(right, Near):
        yours, right = getattr(yours, "value", yours), right.value
    if isinstance(yours, Mapping) and isinstance(right, Mapping):
        return of_keys(yours, right)
    if isinstance(yours, str) and isinstance(right, str):
        return of_texts(yours, right)
    a, b = as_numbers(yours), as_numbers(right)
    if a is None or b is None:
        return of_kinds(yours, right)
    if a.shape != b.shape:
        return list(of_shapes(a, b))
    return list(of_numbers(a, b))


def of_kinds(yours: Any, right: Any) -> list[str]:
    """Two values that are not both numbers."""
    both = isinstance(yours, list | tuple) and isinstance(right, list | tuple)
    if both and len(yours) != len(right):
        return [sequence_lengths(yours, right)]
    if type(yours) is not type(right) and not both:
        return [f"It is {a_kind(yours)}; expected was {a_kind(right)}."]
    return []


def a_kind(value: Any) -> str:
    """What sort of thing a value is, with its article."""
    kinds = {
        Tensor: "a tensor",
        str: "a text (str)",
        bool: "True or False (bool)",
        int: "a whole number",
        float: "a number",
    }
    for kind, words in kinds.items():
        if isinstance(value, kind):
            return words
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def of_keys(yours: Mapping[Any, Any], right: Mapping[Any, Any]) -> list[str]:
    """Two dictionaries."""
    missing = [str(key) for key in right if key not in yours]
    extra = [str(key) for key in yours if key not in right]
    words = [f"It lacks {some(missing)}."] if missing else []
    return words + ([f"It has {some(extra)}, which should not be there."] if extra else [])


def some(names: list[str], n: int = 4) -> str:
    """The first few of many names."""
    return ", ".join(names[:n]) + (f" and {len(names) - n} more" if len(names) > n else "")


def of_texts(yours: str, right: str) -> list[str]:
    """Two texts."""
    if yours.strip() == right.strip():
        return ["It differs in spaces or line breaks at an end only."]
    if yours.lower() == right.lower():
        return ["It differs in capitals only."]
    if len(right) > 3 and yours == right[::-1]:
        return ["It is the right text backwards."]
    if right.startswith(yours):
        return ["Its end is missing."]
    if yours.startswith(right):
        return ["It goes on after the right text's end."]
    if right.endswith(yours):
        return ["Its beginning is missing."]
    return []


def of_shapes(a: Tensor, b: Tensor) -> Iterator[str]:
    """Two tensors of different shapes."""
    if a.numel() == b.numel() and a.dim() >= 2 and close(a.transpose(-1, -2).reshape(-1), b.reshape(-1)):
        if a.transpose(-1, -2).shape == b.shape:
            yield "It is the right one transposed: the last two dimensions have changed places."
    elif a.squeeze().shape == b.squeeze().shape and close(a.squeeze(), b.squeeze()):
        more = "too many" if a.dim() > b.dim() else "too few" if a.dim() < b.dim() else "in another place"
        yield f"The numbers are right, with a dimension of size 1 {more}."
    elif a.numel() == b.numel() and close(a.flatten(), b.flatten()):
        yield "The numbers are right, in another shape."
    elif a.dim() == b.dim():
        axes = [axis for axis in range(a.dim()) if a.size(axis) != b.size(axis)]
        smaller = [min(x, y) for x, y in zip(a.shape, b.shape, strict=True)]
        first = tuple(slice(0, n) for n in smaller)
        last = tuple(slice(n - k, n) for n, k in zip(a.shape, smaller, strict=True))
        last_of_right = tuple(slice(n - k, n) for n, k in zip(b.shape, smaller, strict=True))
        if 0 not in smaller and len(axes) == 1 and close(a[first], b[first]):
            yield (
                "What is there agrees; the end is missing."
                if a.numel() < b.numel()
                else "It goes on after the right end."
            )
        elif 0 not in smaller and len(axes) == 1 and close(a[last], b[last_of_right]):
            yield "What is there agrees; the beginning is missing." if a.numel() < b.numel() else "It begins too early."
    yield f"It has the shape {tuple(a.shape)}; expected was {tuple(b.shape)}."


def of_numbers(a: Tensor, b: Tensor) -> Iterator[str]:
    """Two tensors of one shape."""
    nan = int((a.isnan() & ~b.isnan()).sum())
    if nan:
        where = "" if nan == a.numel() else f" in {nan} of {a.numel()} places"
        yield f"It is NaN{where}: somewhere zero is divided by zero, or infinity is taken from infinity."
        return
    infinite = int((a.isinf() & ~b.isinf()).sum())
    if infinite:
        yield f"It is infinite in {infinite} of {a.numel()} places." if a.numel() > 1 else "It is infinite."
        return
    of_all = list(of_whole(a, b))
    yield from of_all or of_places(a, b)


def of_whole(a: Tensor, b: Tensor) -> Iterator[str]:
    """What all of the numbers have in common with the right ones, if anything."""
    for sentence, change in CHANGES:
        try:
            changed = change(b)
        except (RuntimeError, IndexError):
            continue  # not for this shape
        if changed.shape == a.shape and bool(changed.isfinite().any()) and close(a, changed):
            yield sentence
            return
    both = a.isfinite() & b.isfinite()
    x, y = a[both], b[both]
    if not x.numel() or not torch.equal(a.isfinite(), b.isfinite()):
        return
    factor = float((x * y).sum() / (y * y).sum()) if bool((y != 0).any()) else math.nan
    if math.isfinite(factor) and factor != 0 and close(x, y * factor):
        yield f"{'Every number' if x.numel() > 1 else 'It'} is {factor_in_words(factor)} times the right one."
    elif x.numel() > 1 and close(x - (x - y).mean(), y):
        yield f"Every number is {abs(float((x - y).mean())):.4g} too {'large' if (x - y).mean() > 0 else 'small'}."
    elif x.numel() > 2 and close(x.sort().values, y.sort().values):
        yield "They are the right numbers in another order."


def factor_in_words(factor: float) -> str:
    """A factor, and what it may be made of: 3.464 (the root of 12)."""
    for value, words in ((factor**2, "the root of {}"), (factor**-2, "1 over the root of {}")):
        n = round(value)
        if factor > 0 and 2 <= n <= 4096 and abs(value / n - 1) < 1e-4 and math.isqrt(n) ** 2 != n:
            return f"{factor:.4g} ({words.format(n)})"
    inverse = 1 / factor
    if abs(factor) < 1 and abs(inverse - round(inverse)) < 1e-4 * abs(inverse) and abs(round(inverse)) > 1:
        return f"{factor:.4g} (1/{round(inverse)})" if factor > 0 else f"{factor:.4g}"
    return f"{factor:.4g}"


def of_places(a: Tensor, b: Tensor) -> Iterator[str]:
    """Where the numbers are wrong, if they are not wrong everywhere."""
    wrong = differing(a, b)
    n = int(wrong.sum())
    if a.numel() < 2 or n == a.numel():
        return
    where = ""
    if a.dim() >= 2:
        rows, columns = wrong.flatten(0, -2).any(-1), wrong.flatten(0, -2).any(0)
        tokens = wrong.transpose(0, -2).flatten(1).any(1) if a.dim() > 2 else rows
        for kind, places in (("column", columns), ("position", tokens) if a.dim() > 2 else ("row", rows)):
            found = torch.nonzero(places).flatten().tolist()
            if len(found) == 1 and len(places) > 1:
                where = f", all of them in {kind} {found[0]}{' (the last)' if found[0] == len(places) - 1 else ''}"
                break
    yield f"{n} of {a.numel()} numbers {'differs' if n == 1 else 'differ'}{where}."


CHANGES: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("It has the wrong sign.", lambda b: -b),
    ("It is all zeros.", lambda b: torch.zeros_like(b)),
    ("It is the opposite: 1 where 0 is right, and 0 where 1 is.", lambda b: 1 - b if is_mask(b) else b[:0, None]),
    ("It is the right one transposed.", lambda b: b.transpose(-1, -2)),
    ("It is the right one with the first two dimensions swapped.", lambda b: b.transpose(0, 1)),
    ("Its rows are in reverse order.", lambda b: b.flip(-2)),
    ("Each of its rows is in reverse order.", lambda b: b.flip(-1)),
    ("It is the right one, one place further to the right.", lambda b: b.roll(1, -1)),
    ("It is the right one, one place further to the left.", lambda b: b.roll(-1, -1)),
    ("It is the right one, one row further down.", lambda b: b.roll(1, -2)),
    ("It is the right one, one row further up.", lambda b: b.roll(-1, -2)),
    ("It is the logarithm of the right one.", lambda b: b.log()),
    ("It is the exponential of the right one.", lambda b: b.exp()),
    ("It is the square of the right one.", lambda b: b**2),
    ("It is the square root of the right one.", lambda b: b.sqrt()),
    ("It is 1 divided by the right one.", lambda b: 1 / b),
)


def is_mask(b: Tensor) -> bool:
    """Whether these are zeros and ones."""
    return bool(((b == 0) | (b == 1)).all())
