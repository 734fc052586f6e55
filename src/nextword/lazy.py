"""Lazy imports, so that `nextword --help` need not wait for torch."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def attach(
    package: str, origins: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make a `__getattr__` and a `__dir__` for a package's `__init__.py` (PEP 562).

    origins: a public name -> the module, below the package, that defines it, or
    "" for a name that is such a module itself. Otherwise the two must differ:
    once imported, a module stands in its package under its own name. Modules
    that are not among them are found all the same, and `dir()` does not show them.
    """
    origins = origins or {}

    def getattribute(name: str) -> Any:
        if origins.get(name):
            return getattr(import_module(f"{package}.{origins[name]}"), name)
        if not name.startswith("_"):  # what is asked for out of curiosity (`__wrapped__`) or would run (`__main__`)
            try:
                return import_module(f"{package}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":  # it is there, and lacks something itself
                    raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *origins})

    return getattribute, names
