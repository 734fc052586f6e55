"""Hugging Face's layout: a directory with `config.json` and `model.safetensors`.

transformers, vLLM, mlx-lm and llama.cpp's converter read what is saved here.

Source: transformers, class GPT2LMHeadModel; the README of safetensors.
"""

import json
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from nextword.errors import WeightsError
from nextword.model import GPT
from nextword.runtime import replacing
from nextword.tokenizer import save_tokenizer
from nextword.tokenizer.vocab import N_VOCAB
from nextword.weights.assemble import StoredModel, StoredTensor
from nextword.weights.config_file import read_json
from nextword.weights.huggingface_config import config_values, read_config
from nextword.weights.names import tensor_names
from nextword.weights.tensor_file import save_tensors

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"

MASK = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")
"""Older versions of transformers saved the causal mask with the weights, though it is not learned."""


def open_huggingface(directory: Path) -> StoredModel:
    """Find a model's tensors in a directory, in one file or in several, without reading their numbers.

    Names may begin with `transformer.`; saved masks are passed over, and so is
    `lm_head.weight` if it equals `wte.weight`, as it must in GPT-2. Raises
    WeightsError where a file is missing, damaged or not GPT-2's.
    """
    config = read_config(directory / CONFIG)
    tensors: dict[str, StoredTensor] = {}
    for file in weight_files(directory):
        for tensor in open_safetensors(file):
            key = tensor.name.removeprefix("transformer.")
            if MASK.fullmatch(key):
                continue
            if key in tensors:
                raise WeightsError(
                    f"{file}: {tensor.name} is stored twice; the other is {tensors[key].name} "
                    f"in {tensors[key].file.name}."
                )
            tensors[key] = tensor
    head, wte = tensors.pop("lm_head.weight", None), tensors.get("wte.weight")
    if head and wte and not equal(head.read(), wte.read()):
        raise WeightsError(
            f"{head.file}: lm_head.weight differs from wte.weight, and in GPT-2 the head is wte again. "
            "nextword has no place for a head of its own."
        )
    source = directory / (WEIGHTS if (directory / WEIGHTS).is_file() else INDEX)
    return StoredModel(config, source, tensors, names={name.ours: name for name in tensor_names(config.n_layer)})


def weight_files(directory: Path) -> list[Path]:
    """The files that hold the weights: one, or those which the index of a sharded model lists.

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


def open_safetensors(file: Path) -> list[StoredTensor]:
    """List the tensors of one safetensors file; each can then be read.

    Raises WeightsError where the file is damaged or cut off: its header says
    how long it must be.
    """
    try:
        handle: Any = safe_open(file, framework="pt")
        shapes = {name: tuple(handle.get_slice(name).get_shape()) for name in list(handle.keys())}
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{file} ({file.stat().st_size} bytes) cannot be read as safetensors: {error}. "
            "If it was cut off or damaged, copy or download it again."
        ) from error
    return [StoredTensor(name, file, shape, partial(read, handle, file, name)) for name, shape in shapes.items()]


def read(handle: Any, file: Path, name: str) -> Tensor:
    """Read one tensor; its numbers come from the disk when they are first looked at."""
    try:
        tensor: Tensor = handle.get_tensor(name)
    except SafetensorError as error:
        raise WeightsError(f"{file}: {name} cannot be read: {error}.") from error
    return tensor


def equal(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have the same shape, dtype and numbers."""
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a, b)


def save_huggingface(model: GPT, directory: Path) -> None:
    """Save a GPT as a plain Hugging Face directory: configuration, weights in float32, tokenizer.

    No prefix, no head, no masks: each parameter once. The directory is made if
    need be, and every file is replaced as a whole, the weights last. A model
    with a smaller vocabulary than GPT-2's gets no tokenizer files, since the
    tokenizer's ids would not fit.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with replacing(directory / CONFIG) as path:
        path.write_text(json.dumps(config_values(model.config), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if model.config.n_vocab >= N_VOCAB:
        save_tokenizer(directory)
    parameters = dict(model.named_parameters())
    tensors = {}
    for name in tensor_names(model.config.n_layer):
        values = parameters[name.ours].detach()
        tensors[name.ours] = (values.T if name.in_out else values).to("cpu", torch.float32).contiguous()
    with replacing(directory / WEIGHTS) as path:
        save_tensors(tensors, path)
        shutil.copymode(directory / CONFIG, path)  # safetensors makes files that only their owner may read
