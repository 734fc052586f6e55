"""PyTorch without its compiler, for a process that compiles nothing."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

NAME = "torch._dynamo"


class Uncompiled(ModuleType):
    """Stands in the place of `torch._dynamo`, which takes longer to import than most checks take.

    Every optimizer imports it, and every dispatch mode, to say that they are not
    to be compiled. That is all that this one answers to: whoever asks for
    anything else, torch.compile say, gets the real one.
    """

    def disable(self, function: Any = None, recursive: bool = True, **_: Any) -> Any:
        """The function itself, which nobody compiles."""
        return function if function is not None else lambda later: later

    def graph_break(self, msg: str = "") -> None:
        """Where a compiled graph would end."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # what Python itself asks of every module
            raise AttributeError(name)
        return getattr(the_real_one(), name)


def spare_the_compiler() -> None:
    """Put `Uncompiled` in the place of torch's compiler, unless it is imported already."""
    if NAME not in sys.modules:
        sys.modules[NAME] = sys.modules["torch"]._dynamo = Uncompiled(NAME)  # type: ignore[attr-defined]


def the_real_one() -> ModuleType:
    """The compiler, imported now if it has not been."""
    if isinstance(sys.modules.get(NAME), Uncompiled):
        del sys.modules[NAME]
    return import_module(NAME)
