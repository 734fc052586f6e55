"""A user model and the reference, with the same weights, for the same experiments."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.doctor.call import Call, Dropout, seeded
from nextword.doctor.construction import Maker
from nextword.learn.checker.exercise import RIGHT, Mistakes
from nextword.learn.fixtures.building import weights
from nextword.learn.fixtures.fixture import CONFIG
from nextword.learn.fixtures.network import ReferenceAttention, ReferenceGPT, ReferenceLayerNorm
from nextword.weights.matching import Matching, MatchingError, match_parameters
from nextword.weights.matching.places import Piece, our_shapes
from nextword.weights.matching.units import take_apart

DROPPING = replace(CONFIG, dropout=0.5)
ONE_BLOCK = replace(CONFIG, n_layer=1)

Tensors = Mapping[str, Tensor]
"""Weights of the fixture's sizes, under our names."""


class Answer(Protocol):
    """What experiments can be made with: a user model, or the reference."""

    def logits(self, ids: Tensor, tensors: Tensors, config: GPTConfig = CONFIG) -> Tensor:
        """Logits in eval mode with these weights: ids (B, T) -> (B, T, V)."""
        ...

    def last_logits(self, ids: Tensor, tensors: Tensors) -> Tensor:
        """ids (B, T) -> the last position's logits (B, V), from a call as in writing."""
        ...

    def settled(self, ids: Tensor, tensors: Tensors) -> bool:
        """Whether two calls in eval mode agree, with dropout of 0.5."""
        ...


class UserGPT:
    """A user model, with an instance for each config."""

    def __init__(self, maker: Maker, call: Call):
        self.make, self.call = maker, call
        self._made: dict[GPTConfig, tuple[nn.Module, Matching]] = {}

    @cached_property
    def module(self) -> nn.Module:
        """An instance that experiments put numbers into."""
        return self._instance(CONFIG)[0]

    @cached_property
    def matching(self) -> Matching:
        """The parameter matching. Raises MatchingError."""
        return self._instance(CONFIG)[1]

    @cached_property
    def has_one_block_too(self) -> bool:
        """Whether it can also be made with a single block."""
        try:
            return len(self._instance(ONE_BLOCK)[1].shapes) < len(self.matching.shapes)
        except Exception:  # whatever a user model's constructor may raise
            return False

    def fresh(self, config: GPTConfig = CONFIG) -> nn.Module:
        """A new instance as its author's constructor leaves it, with dropout of 0."""
        return self.make(config)

    def logits(self, ids: Tensor, tensors: Tensors, config: GPTConfig = CONFIG) -> Tensor:
        """See Answer."""
        module, matching = self._instance(config)
        matching.load(tensors)
        return quietly(self.call, module, ids)

    def last_logits(self, ids: Tensor, tensors: Tensors) -> Tensor:
        """See Answer."""
        module, matching = self._instance(CONFIG)
        matching.load(tensors)
        return quietly(self.call.last, module, ids)

    def settled(self, ids: Tensor, tensors: Tensors) -> bool:
        """See Answer."""
        module, matching = self._instance(DROPPING)
        matching.load(tensors)
        return agrees_with_itself(module, self.call, ids)

    def _instance(self, config: GPTConfig) -> tuple[nn.Module, Matching]:
        if config not in self._made:
            module = self.make(config)
            evaluate(module, config)
            self._made[config] = module, match_parameters(module, config)
        return self._made[config]


class Reference:
    """GPT-2 with these mistakes, as the same experiments see it.

    Names that are no exercise's: "eps=1e-6" has LayerNorms with that eps;
    "scaled-logits" divides by sqrt(C); "mask-early~even" and "~none" say what
    becomes of a token that may see nothing at all: all look alike, or nothing;
    "mask-too-small~-1e3" says how small.
    """

    def __init__(self, on: Mistakes = RIGHT):
        self._on = on
        self._made: dict[GPTConfig, tuple[nn.Module, Matching]] = {}

    def logits(self, ids: Tensor, tensors: Tensors, config: GPTConfig = CONFIG) -> Tensor:
        """See Answer."""
        module, matching = self._instance(config)
        matching.load(tensors)
        with torch.no_grad():
            logits: Tensor = module(ids)
        return logits / CONFIG.n_embd**0.5 if "scaled-logits" in self._on else logits

    def last_logits(self, ids: Tensor, tensors: Tensors) -> Tensor:
        """See Answer."""
        return self.logits(ids, tensors)[:, -1]

    def settled(self, ids: Tensor, tensors: Tensors) -> bool:
        """See Answer."""
        module, matching = self._instance(DROPPING)
        matching.load(tensors)
        return agrees_with_itself(module, Call(CONFIG.n_vocab), ids)

    def _instance(self, config: GPTConfig) -> tuple[nn.Module, Matching]:
        if config not in self._made:
            module = ReferenceGPT(config, frozenset(name.partition("~")[0] for name in self._on))
            matching = match_by_name(module, config)
            for part in [part for part in module.modules() if isinstance(part, ReferenceLayerNorm)]:
                self._change_eps(part)
            for attention in [part for part in module.modules() if isinstance(part, ReferenceAttention)]:
                self._fill(attention)
            self._made[config] = module.eval(), matching
        return self._made[config]

    def _change_eps(self, norm: ReferenceLayerNorm) -> None:
        given = next((name for name in self._on if name.startswith("eps=")), None)
        if given is not None:
            function, eps = norm.function, float(given.removeprefix("eps="))
            norm.function = lambda x, weight, bias: function(x, weight, bias, eps)

    def _fill(self, attention: ReferenceAttention) -> None:
        endings = {name.partition("~")[2] for name in self._on} - {""}
        hidden = next((float(ending) for ending in endings if ending.startswith("-")), None)
        if hidden is not None:
            attention.weights = lambda q, k: weights_with(hidden, q, k)  # type: ignore[method-assign]
        elif endings:
            compute, even = attention.weights, "even" in endings
            attention.weights = lambda q, k: compute(q, k).nan_to_num(1 / k.size(-2) if even else 0.0)  # type: ignore[method-assign]


def match_by_name(module: nn.Module, config: GPTConfig) -> Matching:
    """Match the parameters of a module that has them under our names, as the reference does."""
    shapes, named = our_shapes(config, "gpt"), dict(module.named_parameters(remove_duplicate=False))
    return Matching(shapes, {name: [Piece(name, named[name])] for name in shapes if name in named})


def weights_with(hidden: float, q: Tensor, k: Tensor) -> Tensor:
    """Attention weights with a score for hidden keys: q and k (B, H, T, D) -> (B, H, T, T)."""
    visible = torch.ones(q.size(-2), k.size(-2), dtype=torch.bool).tril()
    scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    return scores.masked_fill(~visible, hidden).softmax(-1)


def quietly(call: Callable[[nn.Module, Tensor], Tensor], module: nn.Module, ids: Tensor) -> Tensor:
    """A user model's logits without gradients, and without dropout even if it drops in eval mode."""
    with torch.no_grad(), seeded(), Dropout(allow=False):
        return call(module, ids)


def agrees_with_itself(module: nn.Module, call: Call, ids: Tensor) -> bool:
    """Whether two calls in eval mode give the same numbers."""
    with torch.no_grad(), seeded():
        first, second = call(module, ids), call(module, ids)
    return torch.equal(first.nan_to_num(0.5), second.nan_to_num(0.5))


def evaluate(module: nn.Module, config: GPTConfig = CONFIG) -> None:
    """Switch to eval mode, and modules in plain lists too, of which PyTorch does not know."""
    module.eval()
    for node in take_apart(module, config).walk():
        if node.module is not None and not node.registered:
            node.module.eval()


def fitting_weights(matching: Matching, module: nn.Module) -> dict[str, Tensor]:
    """Draw random weights, with 0 and 1 for the biases and scales that a user model lacks.

    Positions that it computes instead of learning them are taken from it.
    """
    tensors = dict(weights(CONFIG, "gpt"))
    for name in matching.missing:
        if name.endswith("bias"):
            tensors[name] = torch.zeros_like(tensors[name])
        elif "ln_" in name:
            tensors[name] = torch.ones_like(tensors[name])
        elif name == "wpe.weight":
            tensors[name] = fixed_positions(module, tensors[name])
    return tensors


def fixed_positions(module: nn.Module, otherwise: Tensor) -> Tensor:
    """The table of positions that a user model keeps as a buffer, if there is one."""
    shape = tuple(otherwise.shape)
    for buffer in module.buffers():
        if buffer.is_floating_point() and tuple(buffer.squeeze().shape) == shape:
            return buffer.detach().reshape(shape).float().clone()
    return otherwise


def try_to_match(module: nn.Module, config: GPTConfig) -> Matching | MatchingError:
    """Match the parameters, or return the error."""
    try:
        return match_parameters(module, config)
    except MatchingError as error:
        return error
