"""Build a user's class in sizes of our own, however it takes them."""

import builtins
import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import torch
from torch import nn

from nextword.commands import command
from nextword.config import GPTConfig
from nextword.doctor import sizes
from nextword.doctor.arguments import CONFIG_NAMES, CannotMake, Way, arguments, parameters_of
from nextword.doctor.call import seeded
from nextword.doctor.configs import SIZES, asked_of_a_config, configs_for
from nextword.doctor.findings import DoctorError
from nextword.doctor.hyperparameters import set_globals
from nextword.learn.checker.comparing import raised


class Maker:
    """Makes instances of a user model's class: `maker(config) -> nn.Module`, the same each time.

    expression: what makes one, in Python, where guessing is not enough; it may
    use the names of the sizes, n_vocab and so on. how: the way that was found,
    in words, after the first instance was made.
    """

    def __init__(self, module: ModuleType, cls: Any, expression: str | None = None):
        self._module, self.cls, self._expression = module, cls, expression
        self._way: Way | None = None
        self.how = expression or ""

    @property
    def is_expression(self) -> bool:
        """Whether the user said how to make it."""
        return self._expression is not None

    def __call__(self, config: GPTConfig) -> nn.Module:
        """An instance of these sizes. Raises CannotMake, or what the class raises once a way is known."""
        if self._way is not None:
            return self._checked(self._way[1], config)
        if self._expression is not None:
            self._way = (self._expression, self._evaluate)
            return self._checked(self._evaluate, config)
        assert self.cls is not None
        reasons: list[str] = []
        for way in ways(self.cls, self._module):
            try:
                made = self._checked(way[1], config)
            except Exception as error:  # whatever a user model's constructor may raise
                reasons.append(f"{way[0]}: {error if isinstance(error, CannotMake) else raised(error)}")
            else:
                self._way, self.how = way, way[0]
                return made
        raise CannotMake(reasons[0] if reasons else "it takes no sizes")

    def _checked(self, make: Callable[[GPTConfig], Any], config: GPTConfig) -> nn.Module:
        set_globals(self._module, config)
        with seeded():
            made = make(config)
        if not isinstance(made, nn.Module):
            raise CannotMake(f"that gives {type(made).__name__}, and not a torch.nn.Module")
        return made

    def _evaluate(self, config: GPTConfig) -> Any:
        assert self._expression is not None
        return eval(self._expression, {"__builtins__": builtins}, Names(self._module, config))


class Names(dict[str, Any]):
    """Names in an expression: our sizes, the module's contents, and torch."""

    def __init__(self, module: ModuleType, config: GPTConfig):
        super().__init__(dataclasses.asdict(config), torch=torch, nn=nn)
        self._module = module

    def __missing__(self, name: str) -> Any:
        try:
            return getattr(self._module, name)
        except AttributeError:
            raise KeyError(name) from None


def advice(spec: str, cls: type, failure: str) -> str:
    """Report a class that could not be built, with the command to type."""
    return (
        f"{cls.__name__} could not be built ({failure}). Say how with --make, in which {', '.join(SIZES)} and dropout "
        f"stand for the sizes; for example:\n  {command('learn', 'doctor', spec, '--make', example(cls))}"
    )


def example(cls: type) -> str:
    """Write an expression that may make an instance, with gaps for unknown arguments."""
    arguments = []
    for parameter in parameters_of(cls):
        kind = sizes.meaning(parameter.name)
        if kind in (*SIZES, "dropout"):
            arguments.append(f"{parameter.name}={kind}")
        elif is_config(parameter) or parameter.default is parameter.empty:
            keys = [key for key in asked_of_a_config(cls) if sizes.meaning(key) in SIZES]
            pairs = ", ".join(f'"{key}": {sizes.meaning(key)}' for key in keys) or '"vocab_size": n_vocab, ...'
            arguments.append(f"{{{pairs}}}" if is_config(parameter) else f"{parameter.name}=...")
    return f"{cls.__name__}({', '.join(arguments)})"


def ways(cls: type, module: ModuleType) -> Iterator[Way]:
    """The ways in which a class may be built, the likeliest first."""
    parameters = parameters_of(cls)
    needed = [p for p in parameters if p.default is p.empty]
    known = [p for p in parameters if sizes.meaning(p.name) in SIZES]
    configs = [p for p in parameters if is_config(p)] or ([p for p in needed if not sizes.knows(p.name)][:1])
    if configs and len(known) < 3:
        for words, make in configs_for(configs[0], cls, module):
            yield words, with_config(cls, configs[0], parameters, make)
    strange = [p.name for p in needed if not sizes.knows(p.name)]
    if not strange:
        names = ", ".join(p.name for p in parameters if sizes.knows(p.name) and sizes.meaning(p.name))
        words = f"{cls.__name__}({names})" if names else f"{cls.__name__}(), with the sizes set as globals"
        yield words, lambda config: cls(**arguments(parameters, config))


def with_config(
    cls: type, parameter: inspect.Parameter, parameters: list[inspect.Parameter], make: Callable[[GPTConfig], Any]
) -> Callable[[GPTConfig], Any]:
    """A class that takes a config object, and perhaps sizes besides."""
    rest = [p for p in parameters if p is not parameter and p.default is p.empty]

    def build(config: GPTConfig) -> Any:
        given = make(config)
        others = arguments(rest, config)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            return cls(given, **others)
        return cls(**{parameter.name: given}, **others)

    return build


def is_config(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is meant to hold all sizes at once."""
    if sizes.meaning(parameter.name) is not None:
        return False
    words = set(re.split(r"_|\d", parameter.name.lower()))
    return bool(CONFIG_NAMES & words) or "config" in annotation_of(parameter).lower()


def annotation_of(parameter: inspect.Parameter) -> str:
    """A parameter's annotation as it is written."""
    found = parameter.annotation
    if found is parameter.empty:
        return ""
    return found if isinstance(found, str) else getattr(found, "__name__", str(found))


def make_or_explain(maker: Maker, config: GPTConfig, spec: str, cls: type | None) -> nn.Module:
    """A maker's instance. Raises DoctorError, with what to type, where there is none."""
    try:
        return maker(config)
    except Exception as error:  # whatever a user model's constructor may raise
        reason = str(error) if isinstance(error, CannotMake) else str(raised(error))
        if cls is None:
            raise DoctorError(f"--make failed: {reason}. It may use {', '.join(SIZES)} and dropout.") from None
        raise DoctorError(advice(spec, cls, reason)) from None
