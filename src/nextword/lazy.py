"""Names that are imported when they are first used, so that `nextword --help` need not wait for torch."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def attach(package: str, origins: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A `__getattr__` and a `__dir__` for a package's `__init__.py` (PEP 562).

    origins: a public name -> the module, below the package, that defines it, or
    "" for a name that is such a module itself. Otherwise the two must differ:
    once imported, a module stands in its package under its own name.
    """

    def getattribute(name: str) -> Any:
        if name not in origins:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if not origins[name]:
            return import_module(f"{package}.{name}")
        return getattr(import_module(f"{package}.{origins[name]}"), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *origins})

    return getattribute, names
