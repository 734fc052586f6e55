"""Compare what two probes saw: tensors, numbers, texts, containers of these, and exceptions."""

import re
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

RELATIVE, ABSOLUTE = 1e-4, 2e-5
"""How far a right answer in float32 may be from the reference in float64; the nearest mistake, GELU's other form,
differs by 5e-4."""

NOT_THEIRS = (Path(__file__).parents[2], Path(torch.__file__).parents[1], Path(traceback.__file__).parent)
"""Where nextword, installed packages and Python itself are: no learner's code."""


SLIPS = {"NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "RecursionError"}
REFUSALS = {
    *("ValueError", "AssertionError", "IndexError", "KeyError", "RuntimeError"),
    *("UnicodeEncodeError", "UnicodeDecodeError", "ZeroDivisionError", "OverflowError"),
}


@dataclass(frozen=True)
class Near:
    """A number or a tensor that was counted or averaged over random draws: equal within the tolerance."""

    value: Any
    tolerance: float


@dataclass(frozen=True)
class Raised:
    """An exception raised by an answer, and the line of the learner's file behind it.

    To a probe two of them are the same, whatever they say: there are many ways
    to refuse. Only a slip, such as a misspelt name, is like no other. To be
    explained by a mistake that raises too, they must be of one family.
    """

    kind: str
    message: str
    line: int | None = None
    source: str = ""
    file: str = ""

    @property
    def unfinished(self) -> bool:
        """Whether it came from a stub's NotImplementedError."""
        is_stub = "still to be written" in self.message or self.source.startswith("raise ")
        return self.kind == "NotImplementedError" and is_stub  # which PyTorch raises as well, for 2.0 ^ 3

    @property
    def slip(self) -> bool:
        """Whether nobody would raise this on purpose."""
        return self.kind in SLIPS

    @property
    def family(self) -> str:
        """Kind of failure. Sizes that do not fit are one kind, whoever noticed."""
        if re.search(r"\bdtype\b(?!=)|scalar type", self.message):  # dtype=... is said of any tensor that is shown
            return "number formats"
        return "refusal" if self.kind in REFUSALS else self.kind

    def __str__(self) -> str:
        place = f" in {self.file or 'your code'}, line {self.line}: {self.source}" if self.line else ""
        return f"{self.kind}: {self.message}{place}"


def attempt(run: Callable[[Any], Any], solution: Any) -> Any:
    """Run a probe on a solution; a raised exception is a result too."""
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a report says it better
            torch.default_generator.manual_seed(0)  # torch.manual_seed formats a stack trace for each kind of GPU
            return run(solution)
    except Exception as error:
        return raised(error)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Make tensors of this dtype where none is named. The reference computes in float64, answers in float32."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def raised(error: BaseException) -> Raised:
    """An exception in words, with the last line of somebody else's code on its way."""
    message = " ".join(str(error).split())
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if not frame.filename.startswith("<") and not any(folder in file.parents for folder in NOT_THEIRS):
            return Raised(type(error).__name__, message, frame.lineno, (frame.line or "").strip(), file.name)
    return Raised(type(error).__name__, message)


def same(yours: Any, right: Any) -> bool:
    """Whether a learner's value is the reference's. What holds the same numbers is equal: list, array, tensor."""
    if isinstance(right, Near) or isinstance(yours, Near):
        return same_near(yours, right)
    if isinstance(right, Raised) or isinstance(yours, Raised):
        return isinstance(right, Raised) and isinstance(yours, Raised) and not (yours.unfinished or yours.slip)
    a, b = as_numbers(yours), as_numbers(right)
    if a is not None and b is not None:
        return a.equal(b) if is_count(right) else close(a, b)
    if isinstance(right, Mapping) and isinstance(yours, Mapping):
        return yours.keys() == right.keys() and all(same(yours[key], right[key]) for key in right)
    if isinstance(right, list | tuple) and isinstance(yours, list | tuple):
        return len(yours) == len(right) and all(same(a, b) for a, b in zip(yours, right, strict=True))
    return type(yours) is type(right) and bool(yours == right)


def explains(cause: Any, seen: Any, right: Any) -> bool:
    """Test whether a probe of the reference with a mistake, the cause, agrees with an answer's.

    Both may be errors. Where the right answer is one too, any will do; else
    they must be of one family, or every slip would look like the mistake.
    """
    if isinstance(cause, Raised) and isinstance(seen, Raised) and not isinstance(right, Raised):
        return cause.family == seen.family and same(seen, cause)
    return same(seen, cause)


def same_near(yours: Any, right: Any) -> bool:
    """`same` where at least one of the two is a Near."""
    if not (isinstance(right, Near) and isinstance(yours, Near)):
        return False
    a, b = as_numbers(yours.value), as_numbers(right.value)
    if a is None or b is None or a.shape != b.shape:
        return False
    return bool((a - b).abs().max() <= right.tolerance) if a.numel() else True


def close(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of float64 hold the same numbers, but for rounding in float32."""
    if a.shape != b.shape:
        return False
    finite = b[b.isfinite()].abs()
    scale = max(1.0, float(finite.max())) if finite.numel() else 1.0
    return torch.allclose(a, b, rtol=RELATIVE, atol=ABSOLUTE * scale, equal_nan=True)


def is_count(value: Any) -> bool:
    """Test whether a value is made of whole numbers only, to be compared exactly."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return torch.as_tensor(value).dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
    if isinstance(value, list | tuple):
        return all(is_count(part) for part in value)
    return isinstance(value, int) and not isinstance(value, bool)


def as_numbers(value: Any) -> Tensor | None:
    """Numbers of any kind as a tensor of float64; None for what is no numbers."""
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    try:
        if isinstance(value, Tensor):
            return value.detach().to("cpu", torch.float64)
        if isinstance(value, int | float | np.ndarray | np.generic | list | tuple):
            if isinstance(value, list | tuple) and any(isinstance(part, bool | str) for part in value):
                return None
            return torch.as_tensor(np.asarray(value, dtype=np.float64))
    except (ValueError, TypeError, RuntimeError, OverflowError):
        pass  # a ragged or a mixed list
    return None
