"""From a name or a path to a model that is ready to write."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nextword.decode.engines import check_engine, engine_for
from nextword.errors import WeightsError
from nextword.native import library, why_not
from nextword.runtime import may_have_gpu
from nextword.tokenizer import Tokenizer
from nextword.tokenizer.directory import load_vocabulary, make_tokenizer
from nextword.tokenizer.vocab import GPT2, Vocabulary
from nextword.weights.bundled import BUNDLED, open_bundled
from nextword.weights.directory import KINDS, one_of, open_model
from nextword.weights.hub import REPOSITORIES, fetch
from nextword.weights.stored import StoredModel, check, with_vocabulary

if TYPE_CHECKING:
    import torch

    from nextword.decode.engine import Engine
    from nextword.decode.engines import EngineName
    from nextword.model import GPT
    from nextword.model.ops import Ops

DTYPES = ("float32", "bfloat16")
QUANTIZED = ("int8", "int4")


def load(
    name_or_path: str | Path,
    device: str = "cpu",
    dtype: "torch.dtype | None" = None,
    ops: "Ops | None" = None,
    engine: "EngineName | None" = None,
) -> "tuple[GPT, Tokenizer]":
    """Load a model with its tokenizer; the model is in eval mode.

    name_or_path: `gpt2`, `gpt2-medium`, `gpt2-large` or `gpt2-xl` for the
    official weights (downloaded once), `heads` for the small model that comes
    with nextword, or the path of a run, of a Hugging Face or of an OpenAI
    directory. These names always mean those models: a directory of such a name
    is `./gpt2`. dtype: float32 unless given, whatever the files hold. device:
    cpu, cuda, mps, or auto for the best there is. ops: `fused`, unless given, to
    run, `plain` to read along.

    engine: what `generate` and its like then write with: "native" (in C, on a
    CPU), "torch", or "plain", by which all that runs is what one reads: `bpe.py`,
    the model with `ops=plain`, and the sampler in `choose.py`. All write the same.
    Default: the fastest there is.

    The tokenizer is the directory's own, whose vocabulary is then also
    `model.vocabulary`, and GPT-2's where it has none. Of a model's vocabulary
    that goes on beyond the tokenizer's ids, filled up for speed (50,304), those
    ids are left out, and so are tokens to fill up GPT-2's texts with.

    Raises WeightsError where the weights cannot be had or are not GPT-2's, and
    for a smaller vocabulary than the tokenizer's (`nextword.weights.load_model`
    loads such a model alone), TokenizerError for a tokenizer that cannot be
    read here, and ValueError for an engine that cannot be had here.
    """
    from nextword.model import fused, plain
    from nextword.runtime import pick_device
    from nextword.weights.assemble import assemble

    place = pick_device(device)
    if engine is not None:
        check_engine(engine, on_cpu=place.type == "cpu")
    stored = open_named(name_or_path)
    model = assemble(stored, place, dtype, ops or (plain if engine == "plain" else fused))
    check_causality(model)
    model.engine = engine
    return model, tokenizer_for(engine, stored.vocabulary)


def load_engine(
    name_or_path: str | Path,
    device: str = "auto",
    dtype: str | None = None,
    quantize: str | None = None,
    n_rows: int = 1,
    engine: "EngineName | None" = None,
) -> "tuple[Engine, Tokenizer]":
    """Load a model only to write with it, on n_rows texts side by side, with its tokenizer.

    name_or_path and device: as in `load`. dtype: "float32" or "bfloat16";
    without it, bfloat16 where the weights are stored so, else float32.
    quantize: "int8" or "int4" for weights of fewer bits, which are read faster.
    engine: "native", which does not even import PyTorch, "torch" or "plain"; unless
    given, native on a CPU if there is a C compiler on Linux, everywhere else torch.

    Raises as `load` does, and ValueError for settings that cannot be had here.
    """
    # What is wrong is told before a model is read, or even fetched.
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype {dtype} is not known: use {' or '.join(DTYPES)}.")
    if dtype is not None and quantize is not None:
        raise ValueError(f"Weights are held in {dtype} or in {quantize}, not in both: leave out one of them.")
    if quantize is not None and quantize not in QUANTIZED:
        raise ValueError(f"weights cannot be quantized to {quantize}: use {' or '.join(QUANTIZED)}.")
    cpu = on_cpu(device)
    if quantize is not None and not cpu:
        raise ValueError(
            f"{quantize} weights are there for a CPU only: use the device cpu, or load without quantizing."
        )
    if engine is not None:
        check_engine(engine, cpu)
    if quantize is not None and engine not in (None, "native"):
        raise ValueError(f"{quantize} weights are for the engine native, not for {engine}: leave out one of them.")
    if quantize is not None and library() is None:
        raise ValueError(
            f"{quantize} weights are computed by kernels that are compiled here, and {why_not()}. "
            "Or load the model without quantizing."
        )
    stored = open_named(name_or_path)
    check(stored)
    if engine is None:
        engine = "native" if cpu and library() is not None else "torch"
    if engine == "native":
        from nextword.decode.native_engine import NativeEngine

        native = NativeEngine.from_stored(stored, n_rows=n_rows, dtype=dtype, quantize=quantize)
        return native, tokenizer_for(engine, stored.vocabulary)

    import torch

    from nextword.model import fused, plain
    from nextword.runtime import pick_device
    from nextword.weights.assemble import assemble

    if dtype is None:
        in_bfloat16 = all(tensor.dtype == "BF16" for tensor in stored.tensors.values())
        dtype = "bfloat16" if in_bfloat16 else "float32"
    ops = plain if engine == "plain" else fused
    model = assemble(stored, pick_device(device), getattr(torch, dtype), ops)
    check_causality(model)
    model.engine = engine
    return engine_for(model, n_rows), tokenizer_for(engine, stored.vocabulary)


def check_causality(model: "GPT") -> None:
    """Raise WeightsError where a model sees later tokens: a fault of its device's kernels."""
    from nextword.model.causality import find_leak

    weight = model.wte.weight
    leak = find_leak(model, model.config.n_vocab, model.config.n_ctx, weight.device)
    if leak is not None:
        raise WeightsError(
            f"{leak}. PyTorch's attention is wrong here, on {weight.device.type} in "
            f"{str(weight.dtype).removeprefix('torch.')}: use float32, the device cpu, or another PyTorch."
        )


def tokenizer_for(engine: str | None, vocabulary: Vocabulary | None = None) -> Tokenizer:
    """Make the tokenizer of an engine, of GPT-2's vocabulary unless given; plain has the readable one."""
    return make_tokenizer(vocabulary or GPT2, plain=engine == "plain")


def open_named(name_or_path: str | Path) -> StoredModel:
    """Find a model by its name or its path, and make sure that the tokenizer fits it. Raises as `load` does."""
    if name_or_path == BUNDLED:
        return replace(open_bundled(), vocabulary=GPT2)
    if name_or_path in REPOSITORIES:
        directory = fetch(str(name_or_path))
    else:
        directory = Path(os.path.expanduser(name_or_path))
        if not directory.exists():
            raise WeightsError(
                f"{name_or_path} is neither a path that exists nor an official model. "
                f"Give {one_of(*KINDS, *REPOSITORIES, BUNDLED)}."
            )
    stored = open_model(directory)
    own = None if name_or_path in REPOSITORIES else load_vocabulary(directory)
    vocabulary = fitting(own or GPT2, stored.config.n_vocab, directory)
    return replace(with_vocabulary(stored, vocabulary.n_vocab), vocabulary=vocabulary)


def fitting(vocabulary: Vocabulary, n_vocab: int, directory: Path) -> Vocabulary:
    """Leave out added tokens that a model has no ids for. Raises WeightsError where others are left."""
    if vocabulary.n_vocab <= n_vocab:
        return vocabulary
    beyond = {name: id for name, id in vocabulary.special.items() if id >= n_vocab}
    if vocabulary is GPT2 or vocabulary.n_vocab - n_vocab > len(beyond):
        whose = "GPT-2's tokenizer" if vocabulary is GPT2 else "its tokenizer"
        raise WeightsError(
            f"{directory}: the model has a vocabulary of {n_vocab}, and {whose} has "
            f"{vocabulary.n_vocab} ids. Load such a model alone, for your own tokenizer: nextword.weights.load_model."
        )
    return replace(
        vocabulary,
        tokens=vocabulary.tokens[:n_vocab],
        special={name: id for name, id in vocabulary.special.items() if id < n_vocab},
        end_of_text=None if vocabulary.end_of_text in beyond.values() else vocabulary.end_of_text,
    )


def on_cpu(device: str) -> bool:
    """Whether a device's name means the CPU here; PyTorch is asked only where no one else can tell.

    Raises ValueError for a device that this machine lacks.
    """
    if device == "cpu" or (device == "auto" and not may_have_gpu()):
        return True
    from nextword.runtime import pick_device

    return pick_device(device).type == "cpu"
