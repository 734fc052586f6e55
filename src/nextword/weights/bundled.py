"""The small bundled model, whose heads have patterns to see. `python -m docs.heads` trains it.

It reads some thousand of GPT-2's tokens. Each of these has a row of its own in
wte; all the others are one to it: their row is stored once, and stands in all
of their places here.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.weights.huggingface import open_huggingface
from nextword.weights.stored import StoredModel, StoredTensor

BUNDLED = "heads"
"""What it is called, wherever a model is named."""

DIRECTORY = Path(__file__).parent / BUNDLED
"""A run's directory, whose weights are shorter than others by the rows that are all the same."""

WTE, KNOWN = "wte.weight", "known"


def open_bundled(directory: Path = DIRECTORY) -> StoredModel:
    """Open the small model: a GPT-2 with all of the vocabulary, like any other."""
    stored = open_huggingface(directory)
    tensors = dict(stored.tensors)
    known, short = tensors.pop(KNOWN), tensors[WTE]
    shape = (stored.config.n_vocab, stored.config.n_embd)
    tensors[WTE] = replace(short, shape=shape, read=partial(whole, short, known, stored.config.n_vocab))
    return replace(stored, tensors=tensors)


def whole(short: StoredTensor, known: StoredTensor, n_vocab: int) -> NDArray[Any]:
    """Expand the table to a row for each token: short's last one wherever `known` names no other."""
    table, ids = short.read(), known.read().astype(np.int64)
    rows = np.full(n_vocab, len(table) - 1)
    rows[ids] = np.arange(len(ids))
    return table[rows]
