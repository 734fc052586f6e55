"""Run a user's file for its classes, without training code at its top level."""

import __future__

import ast
import importlib
import inspect
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType

from nextword.doctor.findings import DoctorError
from nextword.errors import SymbolError
from nextword.learn.checker.comparing import raised
from nextword.symbols import SPEC, find_file, installed, no_file

STATEMENT_SECONDS = 5.0
"""How long a statement at the top of a file may take before it is left."""

READING_SECONDS = 30.0
"""How long all of them may."""

DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class TooLong(BaseException):
    """A statement took too long. Not an Exception, so that nobody's `except Exception` catches it."""


@dataclass
class Source:
    """A user's file after running: the module, the requested class, and the parts left out.

    symbol: "" where none was named. failures: what raised, in words.
    """

    module: ModuleType
    file: Path | None
    symbol: str
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The file's name, or the module's."""
        return self.file.name if self.file else self.module.__name__


@lru_cache(maxsize=256)
def lines_of(cls: type) -> tuple[list[str], int]:
    """Find a class's source: its lines, and the first one's number. Raises OSError or TypeError where there is none.

    Kept, since Python before 3.13 parses the whole file each time.
    """
    return inspect.getsourcelines(cls)


def read(spec: str, folder: Path | None = None) -> Source:
    """Run what "model.py", "model.py:GPT", "package.module:GPT" or a notebook stands for.

    Raises DoctorError where there is no such file or module, or it is not Python.
    """
    folder = Path.cwd() if folder is None else folder
    match = SPEC.match(spec)
    place, symbol = (match["module"], match["symbol"]) if match else (spec, "")
    path = folder / os.path.expanduser(place)
    file = path.resolve() if path.is_file() else find_file(place, folder)
    if file is not None and file.suffix not in (".py", ".ipynb"):
        raise DoctorError(f"{place} is not Python: give a file that ends in .py or .ipynb, or a module's name.")
    if file is not None and file.name != "__init__.py":
        return read_file(file, symbol)
    try:
        if file is None:
            with on_path(folder):
                module = installed(place, symbol or "GPT", folder)
        else:
            name = place if all(part.isidentifier() for part in place.split(".")) else file.parent.name
            with on_path(file.parents[len(name.split("."))]):
                module = importlib.import_module(name)
    except SymbolError as error:
        known = place if place.endswith((".py", ".ipynb")) else None
        text = f"There is no file {known} here." if known and not symbol else str(error)
        raise DoctorError(text if known else str(error)) from None
    except (Exception, SystemExit) as error:
        raise DoctorError(f"{place} could not be imported: {raised(error)}. {no_file(place, symbol, folder)}") from None
    origin = getattr(module, "__file__", None)
    return Source(module, Path(origin) if origin else None, symbol)


def read_file(file: Path, symbol: str = "") -> Source:
    """Run a file statement by statement, noting those that raise or take too long.

    After the last class or function only what defines more is run: training
    stands there. Raises DoctorError for what is not Python.
    """
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    if file.suffix == ".ipynb":
        text = cells(text, file)
    try:
        tree = ast.parse(text, str(file))
    except SyntaxError as error:
        raise DoctorError(f"{file.name} is not Python: {error.msg}, in line {error.lineno}.") from None
    name = file.stem if file.stem.isidentifier() and file.stem not in sys.modules else f"reviewed_{abs(hash(file))}"
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module  # dataclasses and inspect look for it there
    source = Source(module, file, symbol)
    last = max((i for i, node in enumerate(tree.body) if isinstance(node, DEFINITIONS)), default=len(tree.body))
    flags = flags_of(tree)
    end = time.monotonic() + READING_SECONDS
    skipped: list[int] = []
    with on_path(file.parent):
        for index, node in enumerate(tree.body):
            if index > last and not defines(node):
                skipped.append(node.lineno)
                continue
            code = compile(ast.Module([node], []), str(file), "exec", flags, dont_inherit=True)
            failure = run(code, module, min(STATEMENT_SECONDS, end - time.monotonic()), file)
            if failure:
                source.failures.append(f"line {node.lineno}: {failure}")
    if skipped:
        source.notes.append(f"Not run, since it stands below all definitions: {file.name} from line {skipped[0]} on.")
    return source


def run(code: CodeType, module: ModuleType, seconds: float, file: Path) -> str:
    """Run one statement -> why it did not come to its end, or ""."""
    if seconds <= 0:
        return f"not run: what stands above took {READING_SECONDS:g} seconds"
    try:
        with within(seconds):
            exec(code, module.__dict__)
    except TooLong:
        return f"stopped after {seconds:.0f} seconds"
    except (Exception, SystemExit) as error:
        message = " ".join(str(error).split()) if error.args != (None,) else ""
        return f"{type(error).__name__}: {message}".rstrip(": ")
    return ""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TooLong if the body takes longer, on systems with alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: object) -> None:
        raise TooLong

    try:
        before = signal.signal(signal.SIGALRM, ring)
    except ValueError:  # not in the main thread
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def defines(node: ast.stmt) -> bool:
    """Whether a statement only gives names to things: a class, an import, numbers, a dictionary."""
    if isinstance(node, (*DEFINITIONS, ast.Import, ast.ImportFrom)):
        return True
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    return not any(isinstance(part, ast.Call | ast.Await) and not is_dict(part) for part in ast.walk(node.value))


def is_dict(node: ast.AST) -> bool:
    """Whether this is dict(...)."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict"


def flags_of(tree: ast.Module) -> int:
    """The compiler's flags that `from __future__ import ...` stands for."""
    names = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    features = [getattr(__future__, name) for name in names if name in __future__.all_feature_names]
    return sum({feature.compiler_flag for feature in features})


def cells(text: str, file: Path) -> str:
    """A notebook's code, without lines that are not Python's (%magic, !command)."""
    try:
        notebook = json.loads(text)
        sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise DoctorError(f"{file.name} is no notebook: it is not the JSON of one.") from None
    lines = "\n\n".join(sources).splitlines()
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Put a folder on the import path, for imports in functions too."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    yield
