"""Count a model's parameters at GPT-2's size, and explain the difference from 124,439,808."""

import re
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from nextword.config import CONFIGS, GPTConfig, n_params
from nextword.doctor.answers import UserGPT
from nextword.doctor.construction import Maker
from nextword.doctor.findings import Finding, Findings
from nextword.learn.checker.lines import line
from nextword.learn.fixtures.fixture import CONFIG
from nextword.weights.matching.places import our_shapes
from nextword.weights.matching.units import take_apart

GPT2 = CONFIGS["gpt2"]
OFFICIAL = n_params(GPT2)

FILLERS = {"normal_", "uniform_", "trunc_normal_", "kaiming_uniform_", "constant_", "fill_", "zero_"}
MASKERS = {"tril", "triu"}
"""Functions of PyTorch, of Tensor and of nn.init, that change what numbers a tensor has, and not how many."""


def count(user_gpt: UserGPT) -> Findings:
    """The number of parameters against the official one, and what the difference is made of."""
    there = count_at(user_gpt.make, GPT2)
    config = CONFIG if there is None else GPT2
    if there is None:  # --make with numbers in it, or a constructor that needs real ones
        there = sum(parameter.numel() for parameter in user_gpt.fresh().parameters())
    official = n_params(config)
    size = "at GPT-2's size" if config is GPT2 else "in this size"
    if there == official:
        return Findings([f"{size} it has GPT-2's {official:,} parameters exactly"])
    parts, rest = parts_of_difference(user_gpt, config, there - official)
    evidence = [line(f"{there:,} {size}, where GPT-2 has {official:,}: {there - official:+,}.")]
    evidence += [line(f"  {number:+15,}  {words}") for words, number in parts]
    if rest:
        evidence.append(line(f"  {rest:+15,}  not explained"))
    accounted = "not all of the difference is explained" if rest else "the difference is explained"
    title = f"its number of parameters is not GPT-2's, and {accounted}"
    return Findings.one(
        Finding("look" if rest or "n_layer" in parts[-1][0] else "fine", "parameter-count", title, tuple(evidence))
    )


def count_at(make: Maker, config: GPTConfig) -> int | None:
    """How many parameters PyTorch knows of, each counted once; None where it cannot be built in this size."""
    try:
        with torch.device("meta"), Unfilled():
            sizes = [parameter.numel() for parameter in make(config).parameters()]
    except Exception:  # some constructors compute with numbers, which meta tensors do not have
        return None
    return sum(sizes) if max(sizes, default=0) >= config.n_vocab * config.n_embd else None


class Unfilled(TorchFunctionMode):
    """Skip the filling of tensors with random numbers.

    These tensors hold no numbers, and making them would take most of the time.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Called by PyTorch in the place of each of its functions."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in FILLERS or name in MASKERS:
            given = next((one for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)), None)
            if given is not None and given.is_meta:
                return given if name in FILLERS else torch.empty_like(given)
        return func(*args, **kwargs)


def parts_of_difference(user_gpt: UserGPT, config: GPTConfig, difference: int) -> tuple[list[tuple[str, int]], int]:
    """Parameters more or fewer than GPT-2's, by parts -> those, and the unexplained rest."""
    matching = user_gpt.matching
    parts: list[tuple[str, int]] = []
    if matching.own_head is not None:
        parts.append((f"a head of its own ({matching.own_head})", config.n_vocab * config.n_embd))
    if matching.zeros:
        parts.append((f"a bias of the head ({matching.zeros[0].name})", config.n_vocab))
    for kind in dict.fromkeys(generic(name) for name in matching.missing):
        parts.append((f"no {kind}", -numbers_in(kind, config)))
    block = sum(numbers_in(kind, config) for kind in kinds() if kind.startswith("h.")) // config.n_layer
    first, last = (matching.places.get(f"h.{i}.attn.c_attn.weight", []) for i in (0, CONFIG.n_layer - 1))
    if {id(piece.parameter) for piece in first} & {id(piece.parameter) for piece in last}:
        parts.append(("one block's parameters for all", -block * (config.n_layer - 1)))
    elif any(not node.registered for node in take_apart(user_gpt.module, CONFIG).walk()):
        parts.append(("blocks in a plain list, of which PyTorch does not know", -block * config.n_layer))
    rest = difference - sum(number for _, number in parts)
    if rest and rest % block == 0:
        n = abs(rest) // block
        parts.append((f"{n} block{'s' if n > 1 else ''} {'more' if rest > 0 else 'fewer'}: is n_layer used?", rest))
        rest = 0
    return parts, rest


def generic(name: str) -> str:
    """A tensor's name in all blocks: h.3.ln_1.bias -> h.*.ln_1.bias"""
    return re.sub(r"^h\.\d+\.", "h.*.", name)


def kinds() -> list[str]:
    """The names of GPT-2's tensors, with * for the block."""
    return list(dict.fromkeys(generic(name) for name in our_shapes(CONFIG, "gpt")))


def numbers_in(kind: str, config: GPTConfig) -> int:
    """How many numbers all tensors of a kind have together."""
    shapes = our_shapes(config, "gpt")
    return sum(torch.Size(shape).numel() for name, shape in shapes.items() if generic(name) == kind)
