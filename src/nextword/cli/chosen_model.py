"""The model of a verb, by --model and --weights."""

import sys
from typing import TYPE_CHECKING

from nextword.symbols import is_symbol

if TYPE_CHECKING:
    from nextword.decode import Engine
    from nextword.decode.engines import EngineName
    from nextword.model import GPT
    from nextword.tokenizer import Tokenizer
    from nextword.user_model import UserModel


def chosen_model(
    model: str, weights: str | None, device: str, engine: "EngineName | None" = None
) -> "tuple[GPT | UserModel, Tokenizer]":
    """Load the model itself, to be looked into.

    engine: see `nextword.load`. Raises ValueError where --weights has nothing to
    fill, and for an engine that does not compute with PyTorch.
    """
    if engine == "native":
        raise ValueError("--engine native computes in C, where there is nothing to look into: use torch or plain.")
    if is_own_class(model, weights):
        check_own_class(model, engine=engine)
        from nextword.user_model import load_user_model

        return load_user_model(model, weights, device)
    from nextword.loading import load

    return load(model, device, engine=engine)


def chosen_engine(
    model: str,
    weights: str | None,
    device: str,
    dtype: str | None,
    quantize: str | None,
    n_rows: int = 1,
    engine: "EngineName | None" = None,
) -> "tuple[Engine, Tokenizer]":
    """Load an engine with n_rows rows; say on standard error if that takes a while.

    Raises ValueError where --weights has nothing to fill, and for a class of a
    user's own with --quantize or --engine.
    """
    if is_own_class(model, weights):
        check_own_class(model, quantize=quantize, engine=engine)
        from nextword.user_model import load_user_engine

        return load_user_engine(model, weights, device, dtype, n_rows)
    from nextword.loading import load_engine
    from nextword.native import is_compiled

    if engine in (None, "native") and not is_compiled():
        print("[Compiling the kernels for this processor: some seconds, once.]", file=sys.stderr)
    return load_engine(model, device, dtype, quantize, n_rows, engine)


def check_own_class(model: str, **settings: str | None) -> None:
    """Raise ValueError for a setting of our own model that a user model has not."""
    for name, value in settings.items():
        if value is not None:
            raise ValueError(f"--{name} is for nextword's own model: {model} computes as it was written.")


def is_own_class(model: str, weights: str | None) -> bool:
    """Tell whether --model names a user model. Raises ValueError where --weights has nothing to fill."""
    if is_symbol(model):
        return True
    if weights is not None:
        raise ValueError(f"--weights fills a class of your own (--model my_gpt2:GPT): use --model {weights}.")
    return False
