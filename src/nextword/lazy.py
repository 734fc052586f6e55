"""Names that are imported when they are first used, so that `nextword --help` need not wait for torch."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def attach(package: str, origins: Mapping[str, str]) -> Callable[[str], Any]:
    """A `__getattr__` for a package's `__init__.py` (PEP 562).

    origins: a public name -> the module, below the package, that defines it.
    """

    def getattribute(name: str) -> Any:
        if name not in origins:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{origins[name]}"), name)

    return getattribute
