"""A checkpoint of another program -> a GPT."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nextword.config import GPTConfig
from nextword.errors import WeightsError
from nextword.model import GPT
from nextword.weights.foreign.families import family_of, renamed
from nextword.weights.foreign.gguf_file import is_gguf, read_gguf
from nextword.weights.foreign.llmc import is_llmc, read_llmc
from nextword.weights.foreign.pickled import read_pickled
from nextword.weights.huggingface_config import check_switches

GPT2_TOKENS = 50257
HEAD = 64
"""GPT-2's heads are so wide, in all sizes."""

SAME = 1e-6


@dataclass(frozen=True)
class Imported:
    """A model that was imported.

    whose: the program that it is of. names: theirs by ours. notes: what was done to it, in sentences.
    """

    model: GPT
    whose: str
    names: dict[str, str]
    notes: tuple[str, ...]


def import_checkpoint(file: str | Path, n_head: int | None = None) -> Imported:
    """Read a checkpoint of nanoGPT, build-nanogpt, minGPT, LLMs-from-scratch, llm.c, llama.cpp, or a pytorch_model.bin.

    n_head: the number of heads, where the file does not say it. Raises WeightsError for what is no GPT-2, or would not
    be computed as it was there.
    """
    file = Path(file).expanduser()
    if not file.is_file():
        raise WeightsError(
            f"{file} is no file. Give one: ckpt.pt, model.pth, model.bin, pytorch_model.bin, model.gguf."
        )
    notes: list[str] = []
    if is_llmc(file):
        tensors, settings = read_llmc(file)
        whose, names = "llm.c", {name: name for name in tensors}
    else:
        state, settings = read_gguf(file) if is_gguf(file) else read_pickled(file)
        settings = beside(file) | settings
        family = family_of(state, str(file))
        whose = family.name
        tensors, names = renamed(state, family, str(file))
    if "iter_num" in settings and "block_size" in settings:
        notes.append(
            "nanoGPT computes GELU exactly, and GPT-2 by a formula with tanh: logits differ a little, by some 0.001."
        )
    config = shape_of(tensors, settings, n_head, str(file), notes)
    check_switches(settings, config, str(file))
    tensors = turned(tensors, config, notes)
    tensors = joined(tensors)
    check_head(tensors, config, str(file))
    tensors.pop("head", None)
    return Imported(filled(tensors, config, str(file), notes), whose, names, tuple(notes))


def beside(file: Path) -> dict[str, Any]:
    """Read the config.json that a pytorch_model.bin has beside it, if there is one."""
    config = file.with_name("config.json")
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def shape_of(
    tensors: dict[str, Tensor], settings: dict[str, Any], n_head: int | None, where: str, notes: list[str]
) -> GPTConfig:
    """Read a model's sizes off its tensors, and its heads off its settings.

    Raises WeightsError where one is missing.
    """
    try:
        V, C = tensors["wte.weight"].shape
        T = tensors["wpe.weight"].shape[0]
    except KeyError as error:
        raise WeightsError(f"{where}: it has no {error.args[0]}, and GPT-2 has.") from error
    L = 1 + max((int(name.split(".")[1]) for name in tensors if name.startswith("h.")), default=-1)
    said = next(
        (settings[name] for name in ("n_head", "n_heads", "num_heads") if isinstance(settings.get(name), int)), None
    )
    heads = n_head or said
    if heads is None:
        if C % HEAD:
            raise WeightsError(f"{where} does not say how many heads there are: add `n_head`.")
        heads = C // HEAD
        notes.append(
            f"The file does not say how many heads there are: {heads}, of {HEAD} numbers each, as GPT-2 has them."
        )
    if GPT2_TOKENS < V <= GPT2_TOKENS + 127:
        notes.append(f"Of {V:,} rows of the embedding {V - GPT2_TOKENS} stand for no token, and were left out.")
        V = GPT2_TOKENS
    try:
        return GPTConfig(V, T, C, heads, L, 0.1)
    except ValueError as error:
        raise WeightsError(f"{where}: {error}") from error


def turned(tensors: dict[str, Tensor], config: GPTConfig, notes: list[str]) -> dict[str, Tensor]:
    """Transpose projections that are stored (in, out), as Hugging Face's are: c_attn's shape tells of all."""
    C = config.n_embd
    fused = tensors.get("h.0.attn.c_attn.weight")
    if fused is None or fused.shape != (C, 3 * C):
        return dict(tensors)
    notes.append("Its projections are stored as (in, out), and were transposed.")
    ends = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
    return {name: tensor.T if name.endswith(ends) else tensor for name, tensor in tensors.items()}


def joined(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put queries', keys' and values' matrices together that are apart."""
    found = {name: tensor for name, tensor in tensors.items() if "/" not in name}
    apart = sorted(name for name in tensors if "/" in name)
    for stem in dict.fromkeys(name.partition("/")[0] for name in apart):
        found[stem] = torch.cat([tensors[f"{stem}/{part}"] for part in range(3)])
    return found


def check_head(tensors: dict[str, Tensor], config: GPTConfig, where: str) -> None:
    """Raise WeightsError for a head that is not the embedding: GPT-2's is."""
    head = tensors.get("head")
    if head is None:
        return
    head, wte = head[: config.n_vocab].float(), tensors["wte.weight"][: config.n_vocab].float()
    if head.shape != wte.shape or float((head - wte).abs().max()) > SAME:
        raise WeightsError(
            f"{where}: its head is not its embedding, and GPT-2 has one matrix for both: it would compute otherwise. "
            "It can be used as a class of your own, by the model FILE.py:CLASS."
        )


def filled(tensors: dict[str, Tensor], config: GPTConfig, where: str, notes: list[str]) -> GPT:
    """Fill a GPT. Biases that a model does not have are zeros.

    Raises WeightsError for other shapes.
    """
    with torch.device("meta"):
        model = GPT(config)
    wanted = dict(model.named_parameters())
    missing = [name for name in wanted if name not in tensors]
    if missing and all(name.endswith(".bias") for name in missing):
        notes.append(f"{len(missing)} biases that it does not have are zeros.")
        tensors = tensors | {name: torch.zeros(wanted[name].shape) for name in missing}
    elif missing:
        raise WeightsError(
            f"{where}: {missing[0]} is missing{f', and {len(missing) - 1} more' if len(missing) > 1 else ''}."
        )
    tensors["wte.weight"] = tensors["wte.weight"][: config.n_vocab]
    state = {}
    for name, parameter in wanted.items():
        tensor = tensors[name]
        if tensor.shape != parameter.shape:
            raise WeightsError(f"{where}: {name} is {tuple(tensor.shape)}, and should be {tuple(parameter.shape)}.")
        if not bool(tensor.isfinite().all()):
            raise WeightsError(
                f"{where}: {name} holds NaN or infinity. Its training diverged: take an earlier checkpoint."
            )
        state[name] = tensor.to(torch.float32, copy=True).contiguous()
    model.load_state_dict(state, assign=True)
    return model.eval()
