"""The contract of a user model, which is built from a name like `my_gpt2:GPT`."""

import inspect
from collections.abc import Callable
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.errors import SymbolError
from nextword.symbols import failure, load_symbol
from nextword.user_model.wrapper import Read, UserModel

CONTRACT = (
    "The contract is GPT(config), where config has n_vocab, n_ctx, n_embd, n_head, n_layer and dropout, "
    "and forward(ids) -> logits."
)


def build(spec: str, config: GPTConfig) -> UserModel:
    """Build a user model of this shape, and check its forward pass.

    Raises SymbolError where it is not found, fails or gives something else, and
    MatchingError where GPT-2's parameters are not found in it.
    """
    made: Any = load_symbol(spec)
    if not callable(made):
        raise SymbolError(f"{spec} is {type(made).__name__}, and not a class. {CONTRACT}")
    model = attempt(lambda: made(config), f"{spec} could not be built with GPT(config)", made)
    if not isinstance(model, nn.Module):
        raise SymbolError(f"{spec} makes {type(model).__name__}, and not a torch.nn.Module. {CONTRACT}")
    return UserModel(model, config, reader(spec, made, model, config))


def reader(spec: str, made: Any, model: nn.Module, config: GPTConfig) -> Read:
    """Find how to take the logits out of the result of forward."""
    ids = torch.zeros(1, min(2, config.n_ctx), dtype=torch.int64)
    state, training = torch.get_rng_state(), model.training
    model.eval()
    with torch.no_grad():
        result = attempt(
            lambda: model(ids), f"{spec} failed at forward(ids) with ids of the shape {tuple(ids.shape)}", made
        )
    model.train(training)
    torch.set_rng_state(state)
    read: Read = itself
    if isinstance(result, tuple | list) and result:
        read = itemgetter(0)
    elif hasattr(result, "logits"):
        read = attrgetter("logits")
    logits: object = read(result)
    expected = (*ids.shape, config.n_vocab)
    if not isinstance(logits, Tensor) or tuple(logits.shape) != expected:
        found = f"the shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise SymbolError(
            f"{spec}: forward(ids) must give logits of the shape (B, T, n_vocab), here {expected}, and gave {found}. "
            f"{CONTRACT}"
        )
    return read


def itself(result: Tensor) -> Tensor:
    """Give back logits that come alone."""
    return result


def attempt(action: Callable[[], Any], problem: str, made: object) -> Any:
    """Run a user's code. Raises SymbolError, with the failing line, if it fails."""
    try:
        return action()
    except Exception as error:  # whatever a user's code may raise
        raise SymbolError(f"{problem}: {failure(error, source_file(made))} {CONTRACT}") from error


def source_file(made: object) -> Path:
    """Find the file of a class."""
    try:
        return Path(inspect.getfile(made)).resolve()  # type: ignore[arg-type]
    except (TypeError, OSError):
        return Path.cwd() / "unknown"
