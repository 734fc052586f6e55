"""Loading of user models, and the engine that writes with them."""

from pathlib import Path

import torch

from nextword.commands import command
from nextword.decode.engine import Engine
from nextword.decode.rereading_engine import RereadingEngine
from nextword.errors import WeightsError
from nextword.loading import DTYPES, load
from nextword.model import GPT
from nextword.model.eval_mode import eval_mode
from nextword.runtime import pick_device
from nextword.tokenizer import Tokenizer
from nextword.user_model.contract import build
from nextword.user_model.wrapper import Trainable, UserModel


def engine_of(model: Trainable) -> GPT | Engine:
    """Make an engine of a user model, without a KV cache; a GPT is returned as it is."""
    if isinstance(model, GPT):
        return model
    return RereadingEngine(InEvalMode(model), model.config, device=next(model.parameters()).device)


class InEvalMode:
    """A user model in eval mode while it is called."""

    def __init__(self, model: UserModel):
        self._model = model

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """ids (B, T) -> logits (B, T, V)."""
        with eval_mode(self._model):
            return self._model(ids)


def load_user_model(
    spec: str, weights: str | Path | None, device: str = "auto", dtype: str | None = None
) -> tuple[UserModel, Tokenizer]:
    """Build a user model in the shape of these weights, and load them into it.

    weights: as `nextword.load` takes them. dtype: float32 unless given. Raises
    WeightsError where they cannot be had, and SymbolError where the class can't.
    """
    if weights is None:
        raise WeightsError(
            f"{spec} has no weights: add --weights gpt2 for the official ones, or the directory of "
            f"a run ({command('train', '--model', spec)} leaves one)."
        )
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype {dtype} is not known: use {' or '.join(DTYPES)}.")
    gpt, tokenizer = load(weights)
    model = build(spec, gpt.config)
    model.load(gpt)
    model.vocabulary = gpt.vocabulary
    model.eval().to(pick_device(device))
    if dtype is not None:
        model.to(getattr(torch, dtype))
    return model, tokenizer


def load_user_engine(
    spec: str, weights: str | Path | None, device: str = "auto", dtype: str | None = None, n_rows: int = 1
) -> tuple[Engine, Tokenizer]:
    """Load a user model as `load_user_model` does, to write n_rows texts side by side."""
    model, tokenizer = load_user_model(spec, weights, device, dtype)
    return RereadingEngine(model, model.config, n_rows, device=next(model.parameters()).device), tokenizer
