"""Get the logits of all positions from a user model's forward, whatever it takes and gives back."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from nextword.learn.checker.comparing import attempt

TARGETS = ("targets", "target", "labels", "label", "y", "tgt", "yb")


class NoLogits(Exception):
    """Nothing that a forward gives back can be logits. Says what it gives."""


@dataclass(frozen=True)
class Call:
    """How a user model is asked for the logits of all positions.

    takes: "ids"; "targets", where it gives them all only if it is given targets
    as well; "prefixes", where only the last position's are ever given, so that
    it is asked for each. shape: of the logits for ids of (B, T), in words.
    targets: what the parameter for them is called; None where there is none.
    """

    n_vocab: int
    takes: str = "ids"
    shape: str = "(B, T, V)"
    targets: str | None = None
    also: str = ""

    def __call__(self, module: nn.Module, ids: Tensor) -> Tensor:
        """ids (B, T) -> logits (B, T, V). Raises whatever the user model does, or NoLogits."""
        B, T = ids.shape
        if self.takes == "prefixes":
            rows = [logits_in(self._run(module, ids[:, : t + 1]), (B, 1), self.n_vocab) for t in range(T)]
            return torch.cat(rows, dim=1)
        given = ids if self.takes == "targets" else None
        return logits_in(self._run(module, ids, given), (B, T), self.n_vocab)

    def last(self, module: nn.Module, ids: Tensor) -> Tensor:
        """Last position's logits: ids (B, T) -> (B, V), by a call without targets."""
        return logits_in(self._run(module, ids), (ids.size(0), ids.size(1)), self.n_vocab)[:, -1]

    def with_loss(self, module: nn.Module, ids: Tensor, targets: Tensor) -> Tensor | None:
        """What the user model takes for its loss on these targets, if it has one."""
        if self.targets is None:
            return None
        found = [t for t in tensors_in(self._run(module, ids, targets)) if t.numel() == 1 and t.is_floating_point()]
        return found[0].reshape(()) if found else None

    def _run(self, module: nn.Module, ids: Tensor, targets: Tensor | None = None) -> Any:
        return run(module, ids, self.targets if targets is not None else None, targets)


def run(module: nn.Module, ids: Tensor, name: str | None = None, targets: Tensor | None = None) -> Any:
    """Call a user model with ids, and with targets and a mask where it takes them."""
    ids = ids.contiguous()
    keywords: dict[str, Any] = {} if name is None or targets is None else {name: targets.contiguous()}
    T = ids.size(1)
    for parameter in needed(module):
        if "mask" in parameter.name.lower():
            keywords[parameter.name] = torch.ones(T, T, dtype=torch.bool).tril()
        elif parameter.name.lower() in TARGETS and parameter.name not in keywords:
            keywords[parameter.name] = ids
    return module(ids, **keywords)


def needed(module: nn.Module) -> list[inspect.Parameter]:
    """What forward must be given besides the ids."""
    found = list(parameters_of(module).values())[1:]
    return [p for p in found if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]


def parameters_of(module: nn.Module) -> dict[str, inspect.Parameter]:
    """What a module's forward takes."""
    try:
        return dict(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        return {}


def find_call(module: nn.Module, n_vocab: int, n_ctx: int) -> Call:
    """Find out how a user model is to be called. Raises what it raises, or NoLogits, where no way works."""
    names = [name for name in list(parameters_of(module))[1:] if name.lower() in TARGETS]
    targets = names[0] if names else None
    module.eval()
    outcomes: list[Any] = []
    with torch.no_grad():
        for T in (5, n_ctx):  # some can only take texts of n_ctx tokens
            for takes in ("ids", "targets") if targets else ("ids",):
                ids = torch.arange(2 * T).remainder(n_vocab).view(2, T)
                asked = (ids, targets, ids) if takes == "targets" else (ids, None, None)
                result = attempt(lambda m, asked=asked: run(m, *asked), module)  # type: ignore[misc]
                shape = shape_in_words(result, 2, T, n_vocab)
                if shape in ("(B, T, V)", "(B * T, V)"):
                    also = "" if isinstance(result, Tensor) else type(result).__name__
                    return Call(n_vocab, takes, shape, targets, also)
                outcomes.append((shape, result))
    if any(shape == "last" for shape, _ in outcomes):
        return Call(n_vocab, "prefixes", "(B, 1, V)", targets)
    first = outcomes[0][1]
    raise NoLogits(first if not isinstance(first, Tensor) else f"a tensor of shape {tuple(first.shape)}")


def shape_in_words(result: Any, B: int, T: int, V: int) -> str:
    """Say in words how a user model returns its logits; "" if it does not."""
    for tensor in tensors_in(result):
        shape = tuple(tensor.shape)
        if not tensor.is_floating_point():
            continue
        if shape == (B, T, V):
            return "(B, T, V)"
        if shape == (B * T, V):
            return "(B * T, V)"
        if shape in ((B, 1, V), (B, V)):
            return "last"
    return ""


def logits_in(result: Any, shape: tuple[int, int], V: int) -> Tensor:
    """Find the logits (B, T, V) in a user model's result, at any number of positions. Raises NoLogits."""
    B, T = shape
    for tensor in tensors_in(result):
        if not tensor.is_floating_point() or tensor.dim() not in (2, 3) or tensor.size(-1) != V:
            continue
        if tensor.dim() == 2 and tensor.size(0) % B == 0:
            return tensor.reshape(B, -1, V)
        if tensor.dim() == 3:
            return tensor
    raise NoLogits(f"no tensor of shape ({B}, {T}, {V}) in what forward gave")


def tensors_in(result: Any) -> Iterator[Tensor]:
    """All tensors in a result: what is called logits first."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, dict):
        yield from tensors_in([result.get("logits"), *result.values()])
    elif isinstance(result, list | tuple):
        for part in result:
            yield from tensors_in(part)
    elif hasattr(result, "logits"):
        yield from tensors_in([result.logits, getattr(result, "loss", None)])


DROPPERS = {F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout, torch.dropout, torch.dropout_}


class Dropout(TorchFunctionMode):
    """Sees every dropout that PyTorch is asked for. allow: whether it happens; heard: told of each that would."""

    def __init__(self, allow: bool, heard: Callable[[], None] | None = None):
        super().__init__()
        self._allow, self._heard = allow, heard

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Called by PyTorch in the place of each of its functions."""
        kwargs = kwargs or {}
        if func in DROPPERS:
            given = dict(zip(("input", "p", "training"), args, strict=False)) | kwargs
            active = given.get("training", True) and given.get("p", 0.5) > 0
            if active and self._heard:
                self._heard()
            return func(*args, **kwargs) if self._allow or not active else given["input"]
        if func is F.scaled_dot_product_attention:
            p = args[4] if len(args) > 4 else kwargs.get("dropout_p", 0.0)
            if p > 0:
                if self._heard:
                    self._heard()
                if not self._allow:
                    if len(args) > 4:
                        args = (*args[:4], 0.0, *args[5:])
                    else:
                        kwargs = {**kwargs, "dropout_p": 0.0}
        return func(*args, **kwargs)


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """The same random numbers each time, and afterwards those that would have come anyway."""
    generator = torch.default_generator  # torch.manual_seed takes a millisecond
    state = generator.get_state()
    generator.manual_seed(seed)
    try:
        yield
    finally:
        generator.set_state(state)
