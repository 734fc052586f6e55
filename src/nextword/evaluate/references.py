"""Independent implementations of GPT-2, to compare a model with layer by layer."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nextword.model import GPT, plain
from nextword.weights import save_huggingface

Layers = list[tuple[str, Tensor]]
"""What a forward pass makes, in order: embeddings, each block's output, ln_f's, and the logits; each (T, .)."""


@dataclass(frozen=True)
class LayerReference:
    """An implementation to compare with. name: whose it is. run: ids (T,) -> `Layers`."""

    name: str
    run: Callable[[Tensor], Layers]


@torch.inference_mode()
def layers_of(model: GPT, ids: Tensor) -> Layers:
    """Run a model and keep what each layer makes: ids (T,) -> `Layers`."""
    found: Layers = []
    *stream, last = model.residual_stream(ids[None])
    for number, x in enumerate(stream):
        found.append(("embeddings" if number == 0 else f"block {number}", x[0]))
    found.append(("ln_f", model.ln_f(last)[0]))
    found.append(("logits", model.head(found[-1][1])))
    return found


def by_float64(model: GPT) -> LayerReference:
    """Make a reference of the mathematics written out, in float64."""
    twin = GPT(model.config, ops=plain).double().eval()
    twin.load_state_dict({name: tensor.double().cpu() for name, tensor in model.state_dict().items()})
    return LayerReference("the mathematics written out, in float64", lambda ids: layers_of(twin, ids))


def by_model(name: str, other: GPT) -> LayerReference:
    """Make a reference of another model of the same shape."""
    return LayerReference(name, lambda ids: layers_of(other.eval(), ids))


def by_transformers(model: GPT, directory: Path | None) -> LayerReference:
    """Make a reference of transformers, which reads the directory by itself.

    directory: of Hugging Face's files; without one the model is written for it. Raises ValueError where it is not
    installed.
    """
    if find_spec("transformers") is None:
        raise ValueError("to compare with transformers, install it: pip install transformers")
    from transformers import GPT2LMHeadModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    if directory is not None:
        theirs: Any = GPT2LMHeadModel.from_pretrained(str(directory), dtype=torch.float32)
    else:
        with tempfile.TemporaryDirectory() as folder:
            save_huggingface(model, Path(folder))
            theirs = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    theirs.eval()

    @torch.inference_mode()
    def run(ids: Tensor) -> Layers:
        said = theirs(ids[None], output_hidden_states=True)
        *hidden, last = said.hidden_states  # the last one has been through ln_f
        names = ["embeddings", *(f"block {number}" for number in range(1, len(hidden)))]
        logits = said.logits[0][:, : model.config.n_vocab]
        return [*zip(names, (x[0] for x in hidden), strict=True), ("ln_f", last[0]), ("logits", logits)]

    return LayerReference("transformers", run)
