"""A config for a user's class: its own with our sizes, or one with every name."""

import ast
import copy
import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import torch
from torch import nn

from nextword.config import GPTConfig
from nextword.doctor import sizes
from nextword.doctor.arguments import CONFIG_NAMES, CannotMake, Way, arguments, parameters_of
from nextword.doctor.source import lines_of

SIZES = ("n_vocab", "n_ctx", "n_embd", "n_head", "n_layer")


def configs_for(parameter: inspect.Parameter, cls: type, module: ModuleType) -> Iterator[Way]:
    """List possible configs: a class of the user's, an example with our sizes, a universal one."""
    name = cls.__name__
    annotation = parameter.annotation
    if isinstance(annotation, str):
        annotation = getattr(module, annotation.strip("'\""), None)
    classes = [annotation if isinstance(annotation, type) else None, getattr(cls, "config_class", None)]
    values = list(vars(module).values())
    classes += [v for v in values if isinstance(v, type) and looks_like_config(v)]
    things = [(key, v) for key, v in vars(module).items() if is_example(v) and not key.startswith("_")]
    source = source_of(cls)
    keys = any(f"[{quote}{key}{quote}]" in source for key in asked_of_a_config(cls) for quote in "'\"")
    as_dict: list[Way] = [(f"{name}({key})", changed(v)) for key, v in things if isinstance(v, dict)]
    as_object: list[Way] = [
        (f"{name}({kind.__name__}(...))", instance_of(kind))
        for kind in dict.fromkeys(classes)
        if kind is not None and kind is not inspect.Parameter.empty and not issubclass(kind, Mapping)
    ]
    as_object += [(f"{name}({key})", changed(v)) for key, v in things if not isinstance(v, dict)]
    yield from [*as_dict, *as_object] if keys else [*as_object, *as_dict]
    yield f"{name}({'{...}' if keys else 'an object with all sizes'})", lambda config: Everything(config)


def looks_like_config(kind: type) -> bool:
    """Whether a class holds the sizes of a model."""
    if issubclass(kind, nn.Module | BaseException):
        return False
    names = {f.name for f in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set(vars(kind))
    names |= set(getattr(kind, "__annotations__", {}))
    names |= {p.name for p in parameters_of(kind)}
    return len({sizes.meaning(n) for n in names} & set(SIZES)) >= 3


def is_example(thing: Any) -> bool:
    """Test whether a dictionary or an object of the user's holds sizes."""
    if isinstance(thing, type | nn.Module | ModuleType | torch.Tensor) or callable(thing):
        return False
    names = thing.keys() if isinstance(thing, dict) else getattr(thing, "__dict__", {}).keys()
    return len({sizes.meaning(n) for n in names if isinstance(n, str)} & set(SIZES)) >= 3


def changed(thing: Any) -> Callable[[GPTConfig], Any]:
    """A copy of a thing of theirs, with our sizes in the place of its own."""

    def make(config: GPTConfig) -> Any:
        if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            fields = [f.name for f in dataclasses.fields(thing) if f.init]
            return dataclasses.replace(thing, **ours(fields, config))
        new = copy.deepcopy(thing)
        if isinstance(new, dict):
            new.update(ours(new, config))
        else:
            for key, size in ours(vars(new), config).items():
                setattr(new, key, size)
        return new

    return make


def ours(names: Any, config: GPTConfig) -> dict[str, Any]:
    """Of these names those that are sizes, with ours."""
    listed = [name for name in names if isinstance(name, str)]
    return {name: sizes.value(name, config, listed) for name in listed if sizes.meaning(name) is not None}


def instance_of(kind: type) -> Callable[[GPTConfig], Any]:
    """An instance of a config class with our sizes, whether they are arguments or attributes."""

    def make(config: GPTConfig) -> Any:
        parameters = parameters_of(kind)
        made = kind(**arguments(parameters, config))
        attributes = [name for name in dir(made) if not name.startswith("_")]
        for name, size in ours(attributes, config).items():
            if not callable(getattr(made, name)) and not isinstance(getattr(type(made), name, None), property):
                try:
                    if getattr(made, name) != size:
                        setattr(made, name, size)
                except (AttributeError, TypeError):  # frozen
                    pass
        return made

    return make


class Everything(dict[str, Any]):
    """A config that has every size by any name, as an attribute and as an item."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.__dict__["_config"] = config

    def __missing__(self, name: str) -> Any:
        if isinstance(name, str) and sizes.knows(name):
            return sizes.answer(name, self._config)
        raise CannotMake(f"nobody told what {name!r} of its config is")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def get(self, name: str, default: Any = None) -> Any:
        """As dict.get: the default for what is no size."""
        return self[name] if sizes.knows(name) and name not in sizes.FLAGS else default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and sizes.knows(name)


def asked_of_a_config(cls: type) -> list[str]:
    """Find the items and attributes that a class reads from its config: cfg["emb_dim"], config.n_embd."""
    try:
        tree = ast.parse(textwrap.dedent(source_of(cls)))
    except SyntaxError:
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            names.append(node.slice.value)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in CONFIG_NAMES:
            names.append(node.attr)
    return [name for name in dict.fromkeys(names) if isinstance(name, str)]


def source_of(cls: type) -> str:
    """Source code of a class; "" where it is not available."""
    try:
        return "".join(lines_of(cls)[0])
    except (OSError, TypeError):
        return ""
