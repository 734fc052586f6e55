"""The model that a verb is asked to work with: --model and --weights mean the same wherever they are taken."""

import sys
from typing import TYPE_CHECKING

from nextword.symbols import is_symbol

if TYPE_CHECKING:
    from nextword.decode import Engine
    from nextword.model import GPT
    from nextword.tokenizer import Tokenizer
    from nextword.user_model import UserModel


def chosen_model(model: str, weights: str | None, device: str) -> "tuple[GPT | UserModel, Tokenizer]":
    """The model itself, to be looked into. Raises ValueError where --weights has nothing to fill."""
    if is_own_class(model, weights):
        from nextword.user_model import load_user_model

        return load_user_model(model, weights, device)
    from nextword.loading import load

    return load(model, device)


def chosen_engine(
    model: str, weights: str | None, device: str, dtype: str | None, quantize: str | None, n_rows: int = 1
) -> "tuple[Engine, Tokenizer]":
    """What writes with the model, n_rows texts side by side; says on standard error where that takes a while.

    Raises ValueError where --weights has nothing to fill, and for a quantized
    class of a user's own.
    """
    if is_own_class(model, weights):
        if quantize is not None:
            raise ValueError(f"--quantize is for nextword's own model: {model} computes as it was written.")
        from nextword.user_model import load_user_engine

        return load_user_engine(model, weights, device, dtype, n_rows)
    from nextword.loading import load_engine
    from nextword.native import is_compiled

    if not is_compiled():
        print("[Compiling the kernels for this processor: some seconds, once.]", file=sys.stderr)
    return load_engine(model, device, dtype, quantize, n_rows)


def is_own_class(model: str, weights: str | None) -> bool:
    """Whether --model names a class of a user's own. Raises ValueError where --weights has nothing to fill."""
    if is_symbol(model):
        return True
    if weights is not None:
        raise ValueError(f"--weights fills a class of your own (--model my_gpt2:GPT): use --model {weights}.")
    return False
