"""From tensors in files to a GPT."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nextword.model import GPT, GPTConfig, fused
from nextword.model.ops import Ops
from nextword.weights.directory import open_model
from nextword.weights.stored import StoredModel, StoredTensor, check, finite


def load_model(
    path: str | Path,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    ops: Ops = fused,
) -> GPT:
    """Load the GPT-2 in a directory, of whatever size and vocabulary, in eval mode.

    path: one of `directory.KINDS`. dtype: float32 unless given, whatever the
    files hold. Raises WeightsError, naming the file and the tensor, where that
    cannot be done.
    """
    return assemble(open_model(Path(path)), device, dtype, ops)


def assemble(
    stored: StoredModel,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    ops: Ops = fused,
) -> GPT:
    """Build the GPT that is stored, in eval mode, in float32 unless dtype says otherwise.

    Nothing is drawn at random only to be overwritten, and every number is
    copied once: on a CPU, and in the dtype that is stored, the parameters are
    what was read from the file. Whatever becomes of the file, they stay.
    Raises WeightsError, before anything is read, where `check` does, and then
    where `finite` does.
    """
    check(stored)
    device, dtype = torch.device(device), dtype or torch.float32
    model = without_numbers(stored.config, ops)
    parameters = {}
    for key, name in stored.names.items():
        values = as_tensor(stored.tensors[key])
        values = values.T if name.in_out else values
        if values.dtype != dtype or device.type != "cpu":
            values = torch.empty(values.shape, dtype=dtype, device=device).copy_(values)
        parameters[name.ours] = values
    model.load_state_dict(parameters, assign=True)
    model.vocabulary = stored.vocabulary
    return model.eval()


def without_numbers(config: GPTConfig, ops: Ops = fused) -> GPT:
    """Build a GPT whose parameters have shapes and no numbers yet, on PyTorch's device `meta`."""
    with torch.device("meta"), WithoutDrawing():
        return GPT(config, ops=ops)


def as_tensor(stored: StoredTensor) -> Tensor:
    """Read a stored tensor as one of PyTorch's. Raises as `finite` does."""
    values = torch.from_numpy(finite(stored))
    return values.view(torch.bfloat16) if stored.dtype == "BF16" else values


class WithoutDrawing(TorchFunctionMode):
    """A mode in which `nn.init.normal_` does nothing.

    On tensors without numbers it would have nothing to do anyway, but PyTorch
    imports a second's worth of modules before it finds out.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        return kwargs["tensor"] if func is nn.init.normal_ else func(*args, **kwargs)
