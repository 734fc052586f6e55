"""A constructor's parameters, and the arguments for them."""

import inspect
from collections.abc import Callable
from typing import Any

from nextword.config import GPTConfig
from nextword.doctor import sizes

CONFIG_NAMES = {"config", "cfg", "conf", "configuration", "args", "hparams", "hps", "params", "hp", "c", "settings"}
"""What people call a parameter that holds all sizes."""

Way = tuple[str, Callable[[GPTConfig], Any]]
"""How an instance is made, in words, and the doing of it."""


class CannotMake(Exception):
    """An instance could not be made. Says why."""


def parameters_of(cls: type) -> list[inspect.Parameter]:
    """What a class's constructor takes, without self and without *args and **kwargs."""
    try:
        signature = inspect.signature(cls)
    except (TypeError, ValueError):
        return []
    return [p for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def arguments(parameters: list[inspect.Parameter], config: GPTConfig) -> dict[str, Any]:
    """Choose arguments for the parameters named like a size, and for required ones."""
    names = [p.name for p in parameters]
    given = {}
    for p in parameters:
        if sizes.meaning(p.name) is not None or (p.default is p.empty and sizes.knows(p.name)):
            given[p.name] = sizes.answer(p.name, config, names)
        elif p.default is p.empty:
            raise CannotMake(f"nobody told what {p.name} is")
    return given
