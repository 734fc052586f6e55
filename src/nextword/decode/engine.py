"""What the writing loops need of a model: to read and to write on rows, side by side."""

import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from nextword.config import GPTConfig

if TYPE_CHECKING:
    from nextword.decode.sampling import Sampling
    from nextword.model import GPT


class Engine(Protocol):
    """A model that reads and writes several texts side by side, each on a row of its own.

    The last token that was chosen on a row is read when the next one is wanted,
    and not before: nothing is computed in vain.
    """

    @property
    def config(self) -> GPTConfig:
        """The model's shape."""

    @property
    def n_rows(self) -> int:
        """How many texts there is room for, side by side."""

    @property
    def pace(self) -> int:
        """How many tokens to ask for at once: 1 on a CPU, more where waiting for each would cost time."""

    def read(self, row: int, ids: Sequence[int]) -> None:
        """Forget what this row holds, and read these ids, 1 to n_ctx of them."""

    def write(self, rows: Sequence[int], sampling: "Sampling", numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Write n tokens on each of these rows: numbers (n, R) in [0, 1) -> ids (n, R).

        Each token is chosen by its row's logits and its number; see `Sampling`.
        """

    def advance(
        self, rows: Sequence[int], at_most: int | None = None, scored: Collection[int] = ()
    ) -> dict[int, NDArray[np.float32]]:
        """Read on, on these rows, in one pass: what was put there or is left of a prompt -> scores (n, V) by row.

        at_most: how many tokens are to be read in this pass, the first rows'
        first; a row whose text is not read to its end is not in the answer, and
        goes on at the next call. scored: rows of which the scores of what follows
        every token are wanted, as many as were read now; of the others, and where
        nothing was left to read, those of the next token only. The scores are
        not to be changed, and hold until the next call.
        """

    def put(self, rows: Sequence[int], ids: Sequence[int]) -> None:
        """Say which token comes next on each of these rows, chosen by someone else: the other half of `write`."""

    def copy(self, row: int, onto: Sequence[int]) -> None:
        """Let other rows hold what this one holds, so that one prompt can be gone on from in several ways."""

    def logits(self, row: int) -> NDArray[np.float32]:
        """The scores (V,) of this row's next token."""

    def room(self, row: int) -> int:
        """How many more tokens can be written on this row: n_ctx + 1 - L after reading L.

        One more than n_ctx holds, since the last one need not be read.
        """


def engine_for(model: "GPT | Engine", n_rows: int = 1) -> Engine:
    """The engine that suits this model on its device; an Engine is given back as it is.

    On a CPU that is our engine in C, if it can be compiled here and computes
    what the model would: not for a model that was given other functions to
    compute with (`ops`), that someone watches or changes by hooks, or that is
    a class of its own.
    """
    network = sys.modules.get("nextword.model.gpt")  # who has a GPT has it imported, and an Engine may need no torch
    if network is None or not isinstance(model, network.GPT):
        return cast(Engine, model)
    if fits_native(model):
        from nextword.decode.native_engine import NativeEngine

        return NativeEngine.from_model(model, n_rows)
    from nextword.decode.torch_engine import TorchEngine

    return TorchEngine(model, n_rows)


def fits_native(model: "GPT") -> bool:
    """Whether the engine in C computes just what this model does, and can use its weights where they lie."""
    import torch
    from torch import nn

    from nextword.model import GPT, fused
    from nextword.model.attention import CausalSelfAttention
    from nextword.model.block import MLP, Block, LayerNorm
    from nextword.model.ops import functions_of
    from nextword.native import library

    own = {GPT, nn.ModuleList, Block, CausalSelfAttention, MLP, LayerNorm, nn.Linear, nn.Embedding}
    return (
        vars(model.ops) == vars(functions_of(fused))
        and len(model.h) == model.config.n_layer
        and all(type(module) in own for module in model.modules())
        and not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
        and all(p.device.type == "cpu" and p.dtype in (torch.float32, torch.bfloat16) for p in model.parameters())
        and all(
            p.is_contiguous() or (p.dim() == 2 and ".c_" in name and p.T.is_contiguous())
            for name, p in model.named_parameters()
        )
        and library() is not None
    )
