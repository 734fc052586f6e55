"""Code of a user's own, imported by a name such as `my_gpt2:GPT` or `path/to/file.py:GPTModel`."""

import ast
import difflib
import importlib
import importlib.util
import os
import re
import sys
import traceback
import zlib
from pathlib import Path
from types import ModuleType

from nextword.errors import NextwordError, SymbolError

SPEC = re.compile(r"^(?P<module>.+):(?P<symbol>[^\W\d]\w*(\.[^\W\d]\w*)*)$")


def is_symbol(text: str) -> bool:
    """Tell whether a text names code, `my_gpt2:GPT`, and not a path or a size."""
    return SPEC.match(text) is not None and not Path(text).exists()


def load_symbol(spec: str, folder: Path | None = None) -> object:
    """Import what a name like `my_gpt2:GPT` names.

    Before the colon stands a file, `path/to/file.py`, or a module or package,
    as `import` would name it; it is looked for in the folder (the current one),
    then as the package that this folder is in, and then among what is
    installed. After it stands what is wanted of it. The folder of the file, or
    of the package, is put on sys.path, so that the file's own imports work as
    if it were run itself. Raises SymbolError where there is no such file or
    name, where there are two, or the file fails, saying in which line.
    """
    match = SPEC.match(spec)
    if match is None:
        raise SymbolError(f"{spec!r} names no code: give a module or file and what is in it, such as my_gpt2:GPT.")
    folder = Path.cwd() if folder is None else folder
    name, symbol = match["module"], match["symbol"]
    file = find_file(name, folder)
    if file is None:
        module = installed(name, symbol, folder)
    else:
        parents = name.split(".")[:-1] if file.suffix == ".py" and not name.endswith(".py") else []
        for i in range(len(parents)):  # the packages that a module is in run before it
            outer = find_file(".".join(parents[: i + 1]), folder)
            if outer is not None:
                run_file(outer, ".".join(parents[: i + 1]))
        module = run_file(file, name)
    found: object = module
    for part in symbol.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise SymbolError(no_such(part, found, file or Path(name))) from error
        except NextwordError:
            raise
        except Exception as error:  # a module may make what it has when it is asked for
            raise SymbolError(f"{part} of {file or name} failed: {failure(error, file or Path(name))}") from error
    return found


def find_file(name: str, folder: Path) -> Path | None:
    """Find the file of a module or a path, seen from a folder; None if there is none.

    A module may be named from beside its package or from inside it. Raises
    SymbolError where a file and a package have the same name.
    """
    path = Path(os.path.expanduser(name))
    if name.endswith(".py") or len(path.parts) > 1:
        return file_at(folder / path)
    relative = Path(*name.split("."))
    around = [outer.parent for outer in (folder, *folder.parents) if outer.name == relative.parts[0]]
    found = (file_at(root / relative) for root in (folder, *around))
    return next((file for file in found if file is not None), None)


def file_at(base: Path) -> Path | None:
    """Find the Python file of this path, with or without its ending, or the package there."""
    if base.is_file():
        return base.resolve()
    module, package = base.with_name(f"{base.name}.py"), base / "__init__.py"
    there = [file.resolve() for file in (module, package) if file.is_file()]
    if len(there) == 2:
        raise SymbolError(
            f"{base.name} is a file and a folder in {base.parent}: name {base.name}.py:GPT or "
            f"{base.name}/__init__.py:GPT."
        )
    return there[0] if there else None


def run_file(file: Path, name: str) -> ModuleType:
    """Import a file as a module, or find it among those imported already."""
    package = file.name == "__init__.py"
    own = file.parent.name if package else file.stem
    full = own if name.endswith(".py") or Path(name).name != name else name
    known = sys.modules.get(full)
    if known is not None and same_file(known, file):
        return known
    if known is not None:  # another module has that name, and others may be using it
        full = f"{full}_{zlib.crc32(str(file).encode()):08x}"
        if full in sys.modules:
            return sys.modules[full]
    for place in (file.parent.parent if package else file.parent, file.parent):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    search = [str(file.parent)] if package else None
    spec = importlib.util.spec_from_file_location(full, file, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        raise SymbolError(f"{file} is no Python file: give one that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[full]
        raise SymbolError(f"{file} could not be run: {failure(error, file)}") from error
    return module


def same_file(module: ModuleType, file: Path) -> bool:
    """Tell whether a module came from this file."""
    origin = getattr(module, "__file__", None)
    return origin is not None and Path(origin).resolve() == file


def installed(name: str, symbol: str, folder: Path) -> ModuleType:
    """Import an installed module. Raises SymbolError where there is none either."""
    if all(part.isidentifier() for part in name.split(".")) and not (folder / name).is_dir():
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise SymbolError(f"{name} could not be imported: {error}.") from error
        except (Exception, SystemExit) as error:
            raise SymbolError(f"{name} could not be imported: {type(error).__name__}: {error}.") from error
    raise SymbolError(no_file(name, symbol, folder))


def no_file(name: str, symbol: str, folder: Path) -> str:
    """Describe a file that is not there, and its near miss."""
    path = folder / name
    if path.is_dir():
        definers = [file.name for file in sorted(path.glob("*.py")) if symbol in defined_in(file)]
        hint = f"Did you mean {name}/{definers[-1]}:{symbol}?" if definers else "Name one of the files in it."
        return f"{name} is a folder without an __init__.py. {hint}"
    last = Path(name).name.removesuffix(".py")
    here = path.parent if path.parent.is_dir() else folder
    names = {file.stem: file for file in here.glob("*.py")}
    names |= {file.parent.name: file.parent for file in here.glob("*/__init__.py")}
    near = difflib.get_close_matches(last, names, n=1)
    suggestion = names[near[0]].relative_to(folder) if near and names[near[0]].is_relative_to(folder) else None
    hint = f"Did you mean {suggestion}:{symbol}?" if suggestion else f"Give a file: path/to/file.py:{symbol}"
    return f"There is no {name if name.endswith('.py') else f'{name}.py'} in {folder}, and no module {last}. {hint}"


def no_such(name: str, holder: object, file: Path) -> str:
    """Describe a name that is not defined, and its near miss."""
    there = sorted(key for key in vars(holder) if not key.startswith("_")) if hasattr(holder, "__dict__") else []
    own = [key for key in there if getattr(getattr(holder, key), "__module__", None) == getattr(holder, "__name__", "")]
    near = difflib.get_close_matches(name, there, n=1, cutoff=0.5)
    near = near or [key for key in own if name.lower() in key.lower() or key.lower() in name.lower()][:1]
    hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(own or there) or 'nothing'}."
    return f"{file} has no {name}. {hint}"


def defined_in(file: Path) -> set[str]:
    """List the classes and functions of a file, without running it."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def failure(error: BaseException, file: Path) -> str:
    """Describe an exception in a user's code, with the line of it."""
    if isinstance(error, SyntaxError):
        where = "" if error.filename in (None, str(file)) else f" of {error.filename}"
        return f"{error.msg}, in line {error.lineno}{where}."
    near = [frame for frame in traceback.extract_tb(error.__traceback__) if in_folder(frame.filename, file.parent)]
    what = " ".join(f"{type(error).__name__}: {error}".split())
    if not near:
        return f"{what}."
    where = "" if Path(near[-1].filename) == file else f" of {near[-1].filename}"
    return f"{what}, in line {near[-1].lineno}{where}."


def in_folder(filename: str, folder: Path) -> bool:
    """Tell whether a file is in a folder or below it, and nothing installed there."""
    path = Path(filename)
    return path.is_relative_to(folder) and "site-packages" not in path.parts
