"""The engines by name, and the one for a model."""

import sys
from typing import TYPE_CHECKING, Literal, cast

from nextword.decode.engine import Engine
from nextword.native.build import library, why_not

if TYPE_CHECKING:
    from nextword.model import GPT

EngineName = Literal["native", "torch", "plain"]
"""native: in C, on a CPU. torch: PyTorch's fast kernels. plain: the mathematics written out, to read along with."""

ENGINES: tuple[EngineName, ...] = ("native", "torch", "plain")


def check_engine(engine: str, on_cpu: bool) -> None:
    """Raise ValueError, with the remedy, for an engine that there is not, or not here."""
    if engine not in ENGINES:
        raise ValueError(f"engine {engine} is not known: use {', '.join(ENGINES[:-1])} or {ENGINES[-1]}.")
    if engine == "native" and not on_cpu:
        raise ValueError("The engine native computes on a CPU only: use the device cpu, or the engine torch.")
    if engine == "native" and library() is None:
        raise ValueError(f"The engine native has to be compiled here, and {why_not()}. Or use the engine torch.")


def engine_for(model: "GPT | Engine", n_rows: int = 1) -> Engine:
    """Make the engine that `model.engine` names, or else the fastest for the model.

    An Engine is returned as it is. On a CPU the fastest is the engine in C, if it
    can be compiled here and computes what the model would: not for a model that
    was given other functions to compute with (`ops`), that someone watches or
    changes by hooks, or that is a class of its own. Raises ValueError where such
    a model asks for it.
    """
    network = sys.modules.get("nextword.model.gpt")  # who has a GPT has it imported, and an Engine may need no torch
    if network is None or not isinstance(model, network.GPT):
        return cast(Engine, model)
    if model.engine is not None:
        check_engine(model.engine, on_cpu=model.wte.weight.device.type == "cpu")
    if model.engine == "plain":
        from nextword.decode.plain_engine import PlainEngine

        return PlainEngine(model, n_rows)
    if model.engine != "torch" and fits_native(model):
        from nextword.decode.native_engine import NativeEngine

        return NativeEngine.from_model(model, n_rows)
    if model.engine == "native":
        raise ValueError(
            "The engine native computes GPT-2 as it was loaded, in float32 or bfloat16, and this model was changed "
            "(its ops, its blocks, its dtype, or by hooks): set model.engine to torch."
        )
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
