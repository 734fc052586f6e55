"""Writing with a model of a user's own class, which has no cache: for each token it reads the whole text."""

from pathlib import Path

import torch

from nextword.commands import command
from nextword.decode.engine import Engine
from nextword.decode.rereading_engine import RereadingEngine
from nextword.errors import WeightsError
from nextword.foreign.building import build
from nextword.foreign.foreign_gpt import ForeignGPT, Model
from nextword.loading import DTYPES, load
from nextword.model import GPT
from nextword.model.resting import resting
from nextword.runtime import pick_device
from nextword.tokenizer import Tokenizer


def engine_of(model: Model) -> GPT | Engine:
    """What writes with a model: one of ours itself, with all that makes it fast; with a foreign one, who rereads."""
    if isinstance(model, GPT):
        return model
    return RereadingEngine(Resting(model), model.config, device=next(model.parameters()).device)


class Resting:
    """A model whose dropout is off while it is called, whatever mode it is in."""

    def __init__(self, model: ForeignGPT):
        self._model = model

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """ids (B, T) -> logits (B, T, V)."""
        with resting(self._model):
            return self._model(ids)


def foreign_model(
    spec: str, weights: str | Path | None, device: str = "auto", dtype: str | None = None
) -> tuple[ForeignGPT, Tokenizer]:
    """Build the class that `my_gpt2:GPT` names in the shape of these weights, and load them into it.

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
    model.eval().to(pick_device(device))
    if dtype is not None:
        model.to(getattr(torch, dtype))
    return model, tokenizer


def foreign_engine(
    spec: str, weights: str | Path | None, device: str = "auto", dtype: str | None = None, n_rows: int = 1
) -> tuple[Engine, Tokenizer]:
    """Write with a class of a user's own, n_rows texts side by side, filled with these weights: see `foreign_model`."""
    model, tokenizer = foreign_model(spec, weights, device, dtype)
    return RereadingEngine(model, model.config, n_rows, device=next(model.parameters()).device), tokenizer
