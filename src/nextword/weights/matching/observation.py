"""Observation of a user model's forward pass: how and when each weight is multiplied.

Shapes and names can leave open which way round a square matrix is multiplied, or which of four it is. One run of
the forward pass shows the first, whatever else may be wrong in it: the matrix products are watched as they reach
PyTorch's kernels. Another run, on a single token, shows which matrices can be the query's and the key's: those that
it does not depend on, since one token attends to itself with a weight of 1.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nextword.config import GPTConfig

aten = torch.ops.aten
PRODUCTS = {aten.mm: 0, aten.bmm: 0, aten.addmm: 1, aten.baddbmm: 1}
"""The kernels that multiply matrices, and where the first of the two stands among their arguments."""


class Observation:
    """Observations of a module's forward pass, made when first asked for. None of them where it fails.

    weights: its parameters. kind: which part of GPT-2 it is, and so what it reads.
    """

    def __init__(self, module: nn.Module, weights: list[Tensor], config: GPTConfig, kind: str):
        self._module, self._config, self._kind = module, config, kind
        self._weights = [weight for weight in weights if weight.is_floating_point()]
        self._products: dict[int, tuple[bool | None, int]] | None = None
        self._idle: set[int] | None = None

    def in_out(self, weight: Tensor) -> bool | None:
        """Whether a matrix is multiplied as (in, out), the transpose of nn.Linear's; None if unseen."""
        return self._seen().get(id(weight), (None, 0))[0]

    def turn(self, weight: Tensor) -> int | None:
        """Return the index of the last matmul that used this matrix, or None."""
        return self._seen().get(id(weight), (None, None))[1]

    def is_idle(self, weight: Tensor) -> bool:
        """Whether a single token's result does not depend on this matrix at all."""
        if self._idle is None:
            self._idle = self._without_effect()
        return id(weight) in self._idle

    def _seen(self) -> dict[int, tuple[bool | None, int]]:
        if self._products is None:
            watcher = Products(self._weights)
            with without_side_effects(self._module), torch.no_grad(), watcher:
                self._run(n_tokens=min(3, self._config.n_ctx))
            self._products = watcher.seen
        return self._products

    def _without_effect(self) -> set[int]:
        """Find the parameters that one token's result does not depend on, if it depends on any."""
        parameters = self._weights
        with (
            without_side_effects(self._module),
            random_numbers(parameters),
            torch.enable_grad(),
            requiring_grad(parameters),
        ):
            result = self._run(n_tokens=1)
            if result is None or not result.requires_grad:
                return set()
            gradients = torch.autograd.grad(result.double().pow(2).sum(), parameters, allow_unused=True)
        sizes = [0.0 if g is None else g.abs().max().item() for g in gradients]
        smallest = 1e-5 * max(sizes, default=0.0)
        return {id(p) for p, size in zip(parameters, sizes, strict=True) if size <= smallest}

    def _run(self, n_tokens: int) -> Tensor | None:
        """Run the module on random input; None if it fails, for others to say."""
        if not self._weights:
            return None
        weight = self._weights[0]
        if self._kind == "gpt":
            x = torch.arange(n_tokens, device=weight.device).remainder(self._config.n_vocab).unsqueeze(0)
        else:
            x = torch.randn(1, n_tokens, self._config.n_embd, device=weight.device).to(weight.dtype)
        try:
            return first_tensor(self._module(*arguments(self._module.forward, x, self._kind)))
        except Exception:  # whatever a user's code may raise
            return None


class Products(TorchDispatchMode):
    """Notes for each parameter its orientation in a matmul, and the index of the last one."""

    def __init__(self, weights: list[Tensor]):
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: dict[int, tuple[bool | None, int]] = {}
        self._weights = [weight for weight in weights if weight.dim() > 1]
        self._count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        place = PRODUCTS.get(getattr(func, "overloadpacket", func))
        if place is not None:
            self._count += 1
            self._note(args[place], rows_in=False)
            self._note(args[place + 1], rows_in=True)
        return func(*args, **(kwargs or {}))

    def _note(self, factor: Tensor, rows_in: bool) -> None:
        """Note one factor of a matmul, whose second last dimension is summed over if `rows_in`."""
        for weight in self._weights:
            begin = weight.data_ptr()
            if begin <= factor.data_ptr() < begin + weight.nbytes:
                stride = factor.stride(-2 if rows_in else -1)  # of the dimension that is summed over
                way = {weight.stride(-2): True, weight.stride(-1): False}.get(stride)
                self.seen[id(weight)] = way, self._count


def arguments(forward: Callable[..., Any], x: Tensor, kind: str) -> list[Any]:
    """List the arguments to call a part with: x, and others it insists on (x as keys and values; a causal mask)."""
    try:
        parameters = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):
        return [x]
    names = [
        p.name for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if kind in ("gpt", "mlp", "layer_norm") or len(names) <= 1:
        return [x]
    T = x.size(1)
    mask = torch.ones(T, T, dtype=torch.bool, device=x.device).tril()
    return [x] + [mask if "mask" in name else x for name in names[1:]]


def first_tensor(result: Any) -> Tensor | None:
    """Return the logits of a forward pass's result: itself, the first of several, or those called logits."""
    if isinstance(result, dict):
        result = result.get("logits", next(iter(result.values()), None))
    elif hasattr(result, "logits"):
        result = result.logits
    while isinstance(result, tuple | list) and result:
        result = result[0]
    return result if isinstance(result, Tensor) else None


@contextmanager
def without_side_effects(module: nn.Module) -> Iterator[None]:
    """Switch dropout off meanwhile, and restore every module's mode and the random state."""
    modes = [(part, part.training) for part in module.modules()]
    state = torch.get_rng_state()
    module.eval()
    try:
        yield
    finally:
        torch.set_rng_state(state)
        for part, training in modes:
            part.training = training


@contextmanager
def random_numbers(parameters: list[Tensor]) -> Iterator[None]:
    """Fill all parameters with random numbers meanwhile, so that none is without effect for being 0."""
    before = [parameter.detach().clone() for parameter in parameters]
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, old in zip(parameters, before, strict=True):
                parameter.copy_(old)


@contextmanager
def requiring_grad(parameters: list[Tensor]) -> Iterator[None]:
    """Let all parameters require gradients meanwhile."""
    before = [parameter.requires_grad for parameter in parameters]
    for parameter in parameters:
        parameter.requires_grad_()
    try:
        yield
    finally:
        for parameter, old in zip(parameters, before, strict=True):
            parameter.requires_grad_(old)
