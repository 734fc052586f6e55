"""Choose the class of a user's file that is the whole GPT, and make an instance."""

import difflib
import inspect
import re
from dataclasses import replace
from types import ModuleType
from typing import Any

from torch import nn

from nextword.doctor.answers import UserGPT, try_to_match
from nextword.doctor.arguments import CannotMake
from nextword.doctor.behaviour import cannot_run
from nextword.doctor.call import Call, NoLogits, find_call
from nextword.doctor.construction import Maker, advice, make_or_explain
from nextword.doctor.findings import DoctorError, Finding
from nextword.doctor.source import Source
from nextword.learn.checker.comparing import Raised, attempt, raised
from nextword.learn.fixtures.fixture import CONFIG
from nextword.weights.matching import Matching

LIKELY = re.compile(r"GPT|Transformer|Language|LM\b|LM[A-Z]|Model$", re.IGNORECASE)


def choose(source: Source, spec: str, expression: str | None = None) -> tuple[UserGPT | Finding, str]:
    """Choose the GPT of a file, and the name of its class; or report a failing forward.

    Raises DoctorError where there is none, or it cannot be built, or several could be meant.
    """
    if expression is not None:
        maker = Maker(source.module, None, expression)
        make_or_explain(maker, CONFIG, spec, None)
        return subject_of(maker), class_name(maker)
    if source.symbol:
        cls = named(source)
        if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
            return from_function(source, spec, cls)
        maker = Maker(source.module, cls)
        make_or_explain(maker, CONFIG, spec, cls)
        return hint_at_whole(subject_of(maker), cls, source, spec), cls.__name__
    classes = modules_of(source.module)
    if not classes:
        failed = f" ({'; '.join(source.failures[:2])})" if source.failures else ""
        raise DoctorError(f"{source.name} defines no torch.nn.Module{failed}. Name the file that has your GPT class.")
    tops = [cls for cls in classes if not used_by_another(cls, classes)] or classes
    tops.sort(key=lambda cls: not LIKELY.search(cls.__name__))
    return first_that_works(tops, source, spec)


def first_that_works(tops: list[type[nn.Module]], source: Source, spec: str) -> tuple[UserGPT | Finding, str]:
    """Choose the class that gives logits among those no other class uses."""
    working: list[tuple[UserGPT, str]] = []
    failures: list[tuple[Finding, str]] = []
    unmade: list[tuple[type, str]] = []
    for cls in tops:
        maker = Maker(source.module, cls)
        try:
            maker(CONFIG)
        except Exception as error:  # whatever a user model's constructor may raise
            unmade.append((cls, str(error) if isinstance(error, CannotMake) else str(raised(error))))
            continue
        user_gpt = subject_of(maker)
        (working if isinstance(user_gpt, UserGPT) else failures).append((user_gpt, cls.__name__))  # type: ignore[arg-type]
    whole = [one for one in working if isinstance(try_to_match(one[0].make(CONFIG), CONFIG), Matching)] or working
    if len(whole) == 1:
        return whole[0]
    file = spec.partition(":")[0]
    if whole:
        names = ", ".join(name for _, name in whole)
        raise DoctorError(
            f"{source.name} has several classes that give logits ({names}). Name one: {file}:{whole[-1][1]}"
        )
    if unmade:
        raise DoctorError(advice(f"{file}:{unmade[0][0].__name__}", *unmade[0]))
    return failures[0]


def hint_at_whole(user_gpt: UserGPT | Finding, cls: type, source: Source, spec: str) -> UserGPT | Finding:
    """Add to a failure the class that a named part belongs to."""
    users = [other for other in modules_of(source.module) if other is not cls and names(other, cls)]
    if isinstance(user_gpt, UserGPT) or not users:
        return user_gpt
    whole = next((user for user in users if not used_by_another(user, modules_of(source.module))), users[-1])
    return replace(
        user_gpt, remedy=f"{cls.__name__} is a part: name the whole, {spec.partition(':')[0]}:{whole.__name__}"
    )


def subject_of(maker: Maker) -> UserGPT | Finding:
    """A user model, ready to be tried; or what its forward does instead of giving logits."""
    module = maker(CONFIG)
    call = attempt(lambda m: find_call(m, CONFIG.n_vocab, CONFIG.n_ctx), module)
    if isinstance(call, Call):
        return UserGPT(maker, call)
    assert isinstance(call, Raised)
    if call.kind == NoLogits.__name__:
        text = call.message
        inner = re.match(r"(\w+): (.*)", text)
        if inner and inner[1].endswith(("Error", "Exception")):
            return cannot_run(refound(module, inner[1], inner[2]))
        return Finding(
            "wrong",
            "no-logits",
            f"forward gives {text} for ids of (2, 5)",
            remedy=f"Return logits of the shape (B, T, V), here (2, 5, {CONFIG.n_vocab}).",
        )
    return cannot_run(call)


def refound(module: nn.Module, kind: str, message: str) -> Raised:
    """The exception of a plain call once more, with the line that it came from."""
    import torch

    from nextword.doctor.call import run

    ids = torch.arange(10).view(2, 5)
    again = attempt(lambda m: run(m, ids), module)
    return again if isinstance(again, Raised) else Raised(kind, message)


def class_name(maker: Maker) -> str:
    """What the class of a maker's instances is called."""
    return type(maker(CONFIG)).__name__


def named(source: Source) -> Any:
    """What was asked for by name. Raises DoctorError where it is not there."""
    found: Any = source.module
    for part in source.symbol.split("."):
        if not hasattr(found, part):
            there = [cls.__name__ for cls in modules_of(source.module)]
            near = difflib.get_close_matches(part, there, n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]}?" if near else f"Its modules are {', '.join(there) or 'none'}."
            failed = f" {source.failures[0].capitalize()}." if source.failures and not there else ""
            raise DoctorError(f"{source.name} has no {part}. {hint}{failed}")
        found = getattr(found, part)
    return found


def from_function(source: Source, spec: str, thing: Any) -> tuple[UserGPT | Finding, str]:
    """A function that builds a model, or an existing instance. Raises DoctorError for something else."""
    if callable(thing) and not isinstance(thing, nn.Module):
        maker = Maker(source.module, thing)
        make_or_explain(maker, CONFIG, spec, thing)
        return subject_of(maker), class_name(maker)
    kind = type(thing).__name__
    if isinstance(thing, nn.Module):
        raise DoctorError(
            f"{source.symbol} is a model that is built already: name its class, {spec.partition(':')[0]}:"
            f"{kind}, so that a small one can be built."
        )
    raise DoctorError(f"{source.symbol} is {kind}, and not a torch.nn.Module class.")


def modules_of(module: ModuleType) -> list[type[nn.Module]]:
    """The module's own classes that are PyTorch modules."""
    return [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, nn.Module) and thing.__module__ == module.__name__
    ]


def used_by_another(cls: type, classes: list[type[nn.Module]]) -> bool:
    """Whether a class is a part, or the base, of another."""
    return any(other is not cls and (issubclass(other, cls) or names(other, cls)) for other in classes)


def names(other: type, cls: type) -> bool:
    """Whether a class's code names another one."""
    codes = [m.__code__ for m in vars(other).values() if inspect.isfunction(m)]
    while codes:
        code = codes.pop()
        if cls.__name__ in code.co_names:
            return True
        codes += [constant for constant in code.co_consts if inspect.iscode(constant)]
    return False
