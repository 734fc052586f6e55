"""The C functions as Python sees them: the structures of network.h and matmul.h, and what each function takes."""

import ctypes
import os
from collections.abc import Mapping
from ctypes import POINTER, c_double, c_int, c_int32, c_ssize_t, c_void_p
from typing import Any

from numpy.typing import NDArray

from nextword.native.build import library, why_not
from nextword.runtime.hardware import physical_cores


class CMatrix(ctypes.Structure):
    """network.h's Matrix."""

    _fields_ = (
        ("values", c_void_p),
        ("scales", c_void_p),
        ("bias", c_void_p),
        ("n_in", c_int32),
        ("n_out", c_int32),
        ("format", c_int32),
    )


class CBlock(ctypes.Structure):
    """network.h's Block."""

    _fields_ = (
        ("ln_1_weight", c_void_p),
        ("ln_1_bias", c_void_p),
        ("c_attn", CMatrix),
        ("attn_c_proj", CMatrix),
        ("ln_2_weight", c_void_p),
        ("ln_2_bias", c_void_p),
        ("c_fc", CMatrix),
        ("mlp_c_proj", CMatrix),
    )


class CNetwork(ctypes.Structure):
    """network.h's Network."""

    _fields_ = (
        ("n_vocab", c_int32),
        ("n_ctx", c_int32),
        ("n_embd", c_int32),
        ("n_head", c_int32),
        ("n_layer", c_int32),
        ("wte", c_void_p),
        ("wpe", c_void_p),
        ("h", POINTER(CBlock)),
        ("ln_f_weight", c_void_p),
        ("ln_f_bias", c_void_p),
        ("head", CMatrix),
    )


class CMemory(ctypes.Structure):
    """network.h's Memory."""

    _fields_ = (("keys", c_void_p), ("values", c_void_p), ("n_rows", c_int32), ("is_bf16", c_int32))


class CCrew(ctypes.Structure):
    """matmul.h's Crew."""

    _fields_ = (("thread", c_int), ("n_threads", c_int), ("shared", c_void_p), ("own", c_void_p))


SIGNATURES: Mapping[str, tuple[Any, list[Any]]] = {
    "pack": (None, [c_int, c_void_p, c_ssize_t, c_ssize_t, c_int, c_int, c_void_p, c_void_p, c_int]),
    "matmul": (None, [c_void_p, c_void_p, c_ssize_t, c_int, c_void_p, c_ssize_t, c_int, CCrew]),
    "scratch_size": (c_ssize_t, [c_void_p, c_int, c_int, c_int]),
    "choose": (c_int32, [c_void_p, c_int32, c_double, c_int32, c_double, c_double]),
    "forward": (None, [c_void_p, c_void_p, c_int, *[c_void_p] * 3, c_int, *[c_void_p] * 3, c_int]),
}
"""The C functions: what they give back, and what they take."""


def call(name: str, *arguments: Any) -> Any:
    """Call one of the C functions."""
    kernels = library()
    if kernels is None:
        raise RuntimeError(f"The C kernels are not there: {why_not()}.")
    function = kernels[name]
    function.restype, function.argtypes = SIGNATURES[name]
    return function(*arguments)


def pointer(array: NDArray[Any]) -> int:
    """Where an array's numbers begin."""
    return array.__array_interface__["data"][0]


def threads() -> int:
    """How many threads the kernels use: OMP_NUM_THREADS, or one for each core."""
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(given) if given.isdecimal() and int(given) > 0 else physical_cores()
