"""From tensors in files to a GPT, or to an error that names every tensor in the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nextword.errors import WeightsError
from nextword.model import GPT, GPTConfig, fused
from nextword.model.ops import Ops
from nextword.weights.names import TensorName

LISTED = 20  # names in one error; whoever has more wrong than that has the wrong file


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that is still in its file: its name there, its shape, and how to read it."""

    name: str
    file: Path
    shape: tuple[int, ...]
    read: Callable[[], Tensor]


@dataclass(frozen=True)
class StoredModel:
    """A model that is still in its files, in whatever format; `assemble` makes it a GPT.

    config: what shape it should have. source: the file that an error is about.
    tensors: what there is. names: what there should be. Both go by the names
    that the format uses.
    """

    config: GPTConfig
    source: Path
    tensors: Mapping[str, StoredTensor]
    names: Mapping[str, TensorName]


def assemble(
    stored: StoredModel,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    ops: Ops = fused,
) -> GPT:
    """Build the GPT that is stored, in eval mode, in float32 unless dtype says otherwise.

    Nothing is drawn at random only to be overwritten, and each number is copied
    once: out of the file, transposed where it has to be, onto the device, in
    its dtype. Raises WeightsError if a tensor is missing, unknown or mis-shaped,
    before anything is copied, and for whole numbers, which a quantised model has.
    """
    with torch.device("meta"), WithoutDrawing():  # shapes without numbers
        model = GPT(stored.config, ops=ops).to(dtype or torch.float32)
    check(stored, {name: tuple(parameter.shape) for name, parameter in model.named_parameters()})
    model = model.to_empty(device=device)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for key, name in stored.names.items():
            values = stored.tensors[key].read()
            if not values.is_floating_point():
                raise WeightsError(
                    f"{stored.tensors[key].file}: {key} holds {values.dtype}: a quantised model? "
                    "Take its weights in float32, float16 or bfloat16."
                )
            parameters[name.ours].copy_(values.T if name.in_out else values)
    return model.eval()


class WithoutDrawing(TorchFunctionMode):
    """Where this is on, `nn.init.normal_` does nothing.

    On tensors without numbers it would have nothing to do anyway, but PyTorch
    imports a second's worth of modules before it finds out.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        return kwargs["tensor"] if func is nn.init.normal_ else func(*args, **kwargs)


def check(stored: StoredModel, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise WeightsError unless exactly the right tensors are stored, each of the right shape.

    shapes: our name of a parameter -> the shape that it has in GPT.
    """
    missing = [key for key in stored.names if key not in stored.tensors]
    unknown = [named(stored, key) for key in stored.tensors if key not in stored.names]
    mis_shaped = []
    for key, name in stored.names.items():
        expected = shapes[name.ours][::-1] if name.in_out else shapes[name.ours]
        if key in stored.tensors and (found := stored.tensors[key].shape) != expected:
            mis_shaped.append(f"{named(stored, key)} is {found} and should be {expected}")
    faults = [("missing", missing), ("not part of GPT-2", unknown), ("of the wrong shape", mis_shaped)]
    if any(tensors for _, tensors in faults):
        c = stored.config
        raise WeightsError(
            f"{stored.source} does not fit its configuration "
            f"(n_vocab = {c.n_vocab}, n_ctx = {c.n_ctx}, n_embd = {c.n_embd}, n_layer = {c.n_layer}): "
            + "; ".join(f"{fault}: {listing(tensors)}" for fault, tensors in faults if tensors)
            + ". Make sure that both belong to the same GPT-2."
        )


def named(stored: StoredModel, key: str) -> str:
    """A tensor by its name, and by its file where the model has several."""
    tensor = stored.tensors[key]
    return tensor.name if tensor.file == stored.source else f"{tensor.name} (in {tensor.file.name})"


def listing(names: list[str]) -> str:
    """The names, or the first of too many."""
    more = f", and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
