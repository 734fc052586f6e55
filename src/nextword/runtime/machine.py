"""Devices, and the number formats of matrix products on them."""

import torch

from nextword.errors import SettingError
from nextword.runtime.hardware import cpu_flags

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_device(name: str = "auto") -> torch.device:
    """Pick a device by its name ("cpu", "cuda", "cuda:1", "mps"), or the best one there is.

    Raises ValueError for a device that this machine, or this PyTorch, lacks.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        if name.split(":")[0] not in ("cuda", "mps", "cpu"):
            raise RuntimeError("nextword runs on cuda, mps and cpu")
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(f"The device {name} cannot be used here ({reason}): use auto or cpu.") from error
    return device


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """Pick the format of matrix products by its name, or the fastest that the device is good at.

    With "auto" that is bfloat16, else float16 on a GPU with tensor cores for it
    alone, else float32. Raises SettingError for a name that is not known.
    """
    if name == "auto":
        if has_fast_bfloat16(device):
            return torch.bfloat16
        return torch.float16 if has_fast_float16(device) else torch.float32
    if name not in DTYPES:
        raise SettingError("dtype", f"{name} is not known: use auto, float32, bfloat16 or float16.")
    return DTYPES[name]


def has_fast_bfloat16(device: torch.device) -> bool:
    """Tell whether the hardware computes bfloat16 products faster than float32's."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return bool(cpu_flags() & {"avx512_bf16", "amx_bf16"})
    return False


def has_fast_float16(device: torch.device) -> bool:
    """Tell whether the hardware has tensor cores for float16, as a T4 and a V100 have."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (7, 0)


def matmuls_in(dtype: torch.dtype, device: torch.device) -> torch.autocast:
    """Autocast matrix products to `dtype`, while sums over many numbers stay in float32.

    Weights keep their own float32: an update of 5e-5 on a weight of 0.02 would
    vanish among bfloat16's eight bits, and in float16 smaller ones even
    alone. float32 leaves everything as it is.

    Source: Micikevicius et al., "Mixed Precision Training" (2018), section 3.1.
    """
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)
