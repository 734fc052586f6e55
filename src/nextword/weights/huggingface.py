"""Hugging Face's layout, and its reading: a directory with `config.json` and `model.safetensors`.

Source: transformers, class GPT2LMHeadModel.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nextword.errors import WeightsError
from nextword.weights.config_file import read_json
from nextword.weights.format import Format
from nextword.weights.huggingface_config import CONFIG, INDEX, WEIGHTS, read_config
from nextword.weights.names import tensor_names
from nextword.weights.safetensors_reader import open_safetensors
from nextword.weights.stored import FLOATS, StoredModel, StoredTensor

if TYPE_CHECKING:
    from nextword.model import GPT

MASK = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")
"""Older versions of transformers saved the causal mask with the weights, though it is not learned."""

PREFIX = re.compile(r"(_orig_mod\.|module\.)*(transformer\.)?")
"""What may stand before a name: of a model that was compiled or trained on several GPUs, or of one with a head."""

OTHER_HEAD = re.compile(r"multiple_choice_head\..*")
"""A second head, of GPT2DoubleHeadsModel, which says nothing about the next token."""


def open_huggingface(directory: Path) -> StoredModel:
    """Find a model's tensors in a directory, in one file or in several, without reading their numbers.

    Names may begin with `transformer.`; saved masks and a second head are
    passed over, and so is `lm_head.weight` if it equals `wte.weight`, as it must
    in GPT-2. Raises WeightsError where a file is missing, damaged or not GPT-2's.
    """
    config = read_config(directory / CONFIG)
    tensors: dict[str, StoredTensor] = {}
    for file in weight_files(directory):
        for tensor in open_safetensors(file):
            key = PREFIX.sub("", tensor.name, count=1)
            if MASK.fullmatch(key) or OTHER_HEAD.fullmatch(key):
                continue
            if key in tensors:
                raise WeightsError(
                    f"{file}: {tensor.name} is stored twice; the other is {tensors[key].name} "
                    f"in {tensors[key].file.name}."
                )
            tensors[key] = tensor
    head, wte = tensors.pop("lm_head.weight", None), tensors.get("wte.weight")
    if head and wte and not same(head, wte):
        raise WeightsError(
            f"{head.file}: lm_head.weight differs from wte.weight, and in GPT-2 the head is wte again. "
            "nextword has no place for a head of its own."
        )
    if head is None and read_json(directory / CONFIG).get("tie_word_embeddings") is False:
        raise WeightsError(
            f"{directory / CONFIG}: tie_word_embeddings is False, and no lm_head.weight is stored. In GPT-2 the "
            "head is wte again; where it was so here too, remove the line, else copy or download the whole model."
        )
    source = directory / (WEIGHTS if (directory / WEIGHTS).is_file() else INDEX)
    return StoredModel(config, source, tensors, names={name.ours: name for name in tensor_names(config.n_layer)})


def weight_files(directory: Path) -> list[Path]:
    """List the files that hold the weights: one, or those in the index of a sharded model.

    Raises WeightsError for a missing file.
    """
    if (directory / WEIGHTS).is_file():
        return [directory / WEIGHTS]
    index = directory / INDEX
    file_of = read_json(index).get("weight_map")
    if not isinstance(file_of, dict) or not all(isinstance(file, str) for file in file_of.values()):
        raise WeightsError(f"{index} has no 'weight_map' from tensors to files. Copy or download it again.")
    files = [directory / Path(name).name for name in sorted(set(file_of.values()))]
    for file in files:
        if not file.is_file():
            raise WeightsError(f"{file} is missing, and {index.name} lists it. Copy or download the whole model.")
    return files


def same(a: StoredTensor, b: StoredTensor) -> bool:
    """Whether two tensors have one shape and the same numbers, in the coarser of their formats.

    Those in no format of `FLOATS` are taken for the same: `check` refuses them.
    """
    if a.shape != b.shape or not {a.dtype, b.dtype} <= FLOATS.keys():
        return a.shape == b.shape and a.dtype == b.dtype
    if a.dtype == b.dtype:
        return np.array_equal(a.read(), b.read())
    if "BF16" in (a.dtype, b.dtype):
        return False  # numpy cannot round to it; nobody has written such a file
    coarser = min(FLOATS[a.dtype], FLOATS[b.dtype], key=lambda dtype: dtype.itemsize)
    return np.array_equal(a.read().astype(coarser), b.read().astype(coarser))


def is_huggingface(path: Path) -> bool:
    """Whether a directory has Hugging Face's files of weights."""
    return (path / WEIGHTS).is_file() or (path / INDEX).is_file()


def save(model: "GPT", directory: Path) -> None:
    """Save a GPT in this format: see `save_huggingface`."""
    from nextword.weights.huggingface_saving import save_huggingface  # needs PyTorch, and reading does not

    save_huggingface(model, directory)


HUGGINGFACE = Format(
    words=f"a Hugging Face directory ({CONFIG} and {WEIGHTS})",
    is_at=is_huggingface,
    open=open_huggingface,
    save=save,
    loader='transformers.AutoModelForCausalLM.from_pretrained("{path}")',
)
