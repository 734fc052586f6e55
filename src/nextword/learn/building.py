"""Somebody's modules with our numbers in them: what probes of whole modules begin with."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.learn.fixture import numbers
from nextword.weights.matching import match_parameters
from nextword.weights.matching.places import our_shapes


def build(make: Callable[[Any], Any], config: GPTConfig, kind: str, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Make a module of a config, put tensors into it wherever it keeps them, and switch it to eval mode.

    make: the learner's class, or the reference's. kind and tensors: as in
    `match_parameters`, under our names. Raises TypeError for what is no nn.Module, and
    WeightsError where no place for the tensors can be found.
    """
    module = make(config.n_embd if kind == "layer_norm" else config)
    if not isinstance(module, nn.Module):
        raise TypeError(f"expected an nn.Module, and found {type(module).__name__}: write class Name(nn.Module).")
    match_parameters(module, config, kind).load(tensors)
    return module.eval()


def weights(config: GPTConfig, kind: str, seed: int = 0) -> dict[str, Tensor]:
    """Random weights for a part of GPT-2, under its own names: no bias is 0, and no LayerNorm does nothing."""
    tensors = {}
    for place, (name, shape) in enumerate(our_shapes(config, kind).items()):
        drawn = numbers(*shape, seed=1000 * seed + place)
        if name.endswith("bias"):
            tensors[name] = 0.4 * drawn
        elif "ln_" in name or kind == "layer_norm":
            tensors[name] = 1.0 + 0.3 * drawn
        elif name in ("wte.weight", "wpe.weight"):
            tensors[name] = 0.7 * drawn
        else:
            tensors[name] = 1.3 / math.sqrt(shape[1]) * drawn
    return tensors


def output(module: nn.Module, x: Tensor) -> Tensor:
    """What a module makes of x. Raises TypeError where that is no tensor."""
    y = module(x)
    if y is None:
        raise TypeError("forward must give back one tensor, and gives back None: is there a return?")
    if not isinstance(y, Tensor):
        raise TypeError(f"forward must give back one tensor, and gives back {type(y).__name__}.")
    return y


def n_parameters(module: nn.Module) -> int:
    """How many numbers PyTorch knows of that the module learns, each counted once."""
    return sum(parameter.numel() for parameter in module.parameters())
