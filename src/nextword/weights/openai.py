"""OpenAI's own layout: `hparams.json` beside a TensorFlow checkpoint.

Source: github.com/openai/gpt-2, download_model.py and src/model.py.
"""

import re
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from numpy.typing import NDArray

from nextword.errors import WeightsError
from nextword.weights.config_file import read_json, shape_from
from nextword.weights.format import Format
from nextword.weights.names import tensor_names
from nextword.weights.stored import StoredModel, StoredTensor
from nextword.weights.tensor_bundle import Entry, read_index

HPARAMS = "hparams.json"
NEWEST = re.compile(r'^model_checkpoint_path: "(.+)"', re.MULTILINE)


def open_openai(directory: Path) -> StoredModel:
    """Find a model's tensors in a TensorFlow checkpoint, without reading their numbers.

    Raises WeightsError where a file is missing, damaged or not GPT-2's.
    """
    sizes = ("n_vocab", "n_ctx", "n_embd", "n_head", "n_layer")
    config = shape_from(directory / HPARAMS, read_json(directory / HPARAMS), {size: size for size in sizes})
    index = find_index(directory)
    tensors = {}
    for entry in read_index(index).values():
        # A projection is a convolution of width 1 there: (1, in, out).
        shape = entry.shape[1:] if len(entry.shape) == 3 and entry.shape[0] == 1 else entry.shape
        tensors[entry.name] = StoredTensor(entry.name, index, shape, entry.tag, partial(read, entry, shape))
    return StoredModel(config, index, tensors, names={name.openai: name for name in tensor_names(config.n_layer)})


def read(entry: Entry, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read one tensor, in the shape without the convolution's width."""
    return entry.read().reshape(shape)


def find_index(directory: Path) -> Path:
    """Find the index of the checkpoint that the file `checkpoint` names, or of the only one.

    Raises WeightsError where there is none, or no telling which.
    """
    newest = directory / "checkpoint"
    named = NEWEST.search(newest.read_text(encoding="utf-8")) if newest.is_file() else None
    if named:
        # The path is that of the machine where it was written; its last part holds here as well.
        index = directory / f"{PurePath(named[1]).name}.index"
        if index.is_file():
            return index
    found = sorted(directory.glob("*.index"))
    if len(found) != 1:
        raise WeightsError(
            f"{directory}: beside {HPARAMS} there should be one TensorFlow checkpoint (*.index), "
            f"and there are {len(found)}. Copy or download the whole directory, with its file 'checkpoint'."
        )
    return found[0]


def is_openai(path: Path) -> bool:
    """Whether a directory has OpenAI's sizes or a TensorFlow checkpoint."""
    return (path / HPARAMS).is_file() or any(path.glob("*.ckpt.index"))


OPENAI = Format(words=f"an OpenAI directory ({HPARAMS} and model.ckpt.*)", is_at=is_openai, open=open_openai)
