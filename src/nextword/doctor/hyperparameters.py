"""Hyperparameters that a file keeps as globals: n_embd = 384, and a class without arguments."""

import dis
from functools import lru_cache
from types import CodeType, ModuleType

from nextword.config import GPTConfig
from nextword.doctor import sizes


def set_globals(module: ModuleType, config: GPTConfig) -> None:
    """Give the module's own hyperparameters our sizes, where its classes use some as globals."""
    used = used_globals(module)
    for name in used:
        there = getattr(module, name, None)
        if sizes.meaning(name) is None or (there is not None and not isinstance(there, int | float)):
            if name == "device" and there is not None:
                module.device = "cpu"  # type: ignore[attr-defined]
            continue
        if len(name) > 1 or isinstance(there, int | float):
            setattr(module, name, sizes.value(name, config, used))


@lru_cache(maxsize=8)
def used_globals(module: ModuleType) -> list[str]:
    """The names that a module's own classes and functions look up outside of themselves."""
    codes: list[CodeType] = []
    for thing in list(vars(module).values()):
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        members = vars(thing).values() if isinstance(thing, type) else [thing]
        codes += [member.__code__ for member in members if hasattr(member, "__code__")]
    names: list[str] = []
    while codes:
        code = codes.pop()
        names += [str(instruction) for instruction in loaded_globals(code)]
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return list(dict.fromkeys(names))


def loaded_globals(code: CodeType) -> list[str]:
    """The globals that a piece of code loads."""
    return [str(i.argval) for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
