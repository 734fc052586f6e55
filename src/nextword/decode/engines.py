"""Which engine suits a model."""

import sys
from typing import TYPE_CHECKING, cast

from nextword.decode.engine import Engine

if TYPE_CHECKING:
    from nextword.model import GPT


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
    """Whether the engine in C can stand for this model, and use its weights where they lie."""
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
