"""The C functions as Python sees them: the structures of network.h and matmul.h, and what each function takes."""

import ctypes
import os
from collections.abc import Mapping, Sequence
from ctypes import POINTER, c_double, c_float, c_int, c_int32, c_int64, c_ssize_t, c_uint32, c_uint64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

from nextword.native.build import library, why_not
from nextword.runtime.hardware import physical_cores

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


DROPOUT = (c_uint32, c_float, c_uint64, c_ssize_t, c_ssize_t)

SIGNATURES: Mapping[str, tuple[Any, Sequence[Any]]] = {
    # network.c, pack.c, matmul.c, choose.c, product_pairs.c
    "forward": (None, (c_void_p, c_void_p, c_int, *[c_void_p] * 3, c_int, *[c_void_p] * 3, c_int)),
    "scratch_size": (c_ssize_t, (c_void_p, c_int, c_int, c_int)),
    "pack": (None, (c_int, c_void_p, c_ssize_t, c_ssize_t, c_int, c_int, c_void_p, c_void_p, c_int)),
    "matmul": (None, (c_void_p, c_void_p, c_ssize_t, c_int, c_void_p, c_ssize_t, c_int, CCrew)),
    "choose": (c_int32, (c_void_p, c_int32, c_double, c_int32, c_double, c_double)),
    "has_amx": (c_int, ()),
    "use_amx": (c_int, (c_int,)),
    # merges.c
    "merges_open": (c_void_p, (*[c_void_p] * 4, c_int64, c_int64, c_int32)),
    "merges_learn": (c_int32, (c_void_p, c_int32, c_void_p)),
    "merges_close": (None, (c_void_p,)),
    # training.c
    "squared_sum": (c_double, (c_ssize_t, *[c_void_p] * 3)),
    "adamw": (None, (c_ssize_t, *[c_void_p] * 8, *[c_double] * 5, c_ssize_t)),
    "surprisal": (None, (c_int, c_ssize_t, c_ssize_t, c_void_p, c_void_p, c_float, c_void_p)),
    "gelu": (None, (c_int, c_ssize_t, c_void_p, c_void_p)),
    "gelu_backward": (None, (c_int, c_ssize_t, *[c_void_p] * 3)),
    "softmax": (None, (c_int, *[c_ssize_t] * 4, c_void_p, c_float, c_void_p, *DROPOUT)),
    "softmax_backward": (None, (c_int, *[c_ssize_t] * 4, c_void_p, c_void_p, c_float, c_void_p, *DROPOUT)),
}
"""The C functions, less `nextword_`: what they give back, and what they take."""


def call(name: str, *arguments: Any) -> Any:
    """Call a C function. Raises RuntimeError where the kernels are not there."""
    kernels = library()
    if kernels is None:
        raise RuntimeError(f"The C kernels are not there: {why_not()}.")
    return declared(kernels, name)(*arguments)


@cache
def declared(kernels: ctypes.CDLL, name: str) -> Any:
    """Look up a C function, and tell ctypes its signature."""
    function = kernels[f"nextword_{name}"]
    function.restype, function.argtypes = SIGNATURES[name]
    return function


def pointer(array: "NDArray[Any]") -> int:
    """Where an array's numbers begin."""
    return array.__array_interface__["data"][0]


def threads() -> int:
    """How many threads the kernels use: OMP_NUM_THREADS, or one for each core."""
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(given) if given.isdecimal() and int(given) > 0 else physical_cores()
