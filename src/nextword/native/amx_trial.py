"""Does AMX compute here what the other kernels do? Run in a process of its own: see build.amx_works."""

import ctypes
import sys

import numpy as np

from nextword.native.build import library
from nextword.native.calling import CCrew, CMatrix, call, pointer
from nextword.native.packing import PACKED, Floats, pack


def run() -> None:
    """End the process with 0 if AMX works here, else with 1 or a signal."""
    if library() is None or not call("has_amx"):
        sys.exit(1)
    rng = np.random.default_rng(0)
    for format in PACKED.values():
        for rows in (16, 33, 100):
            weight, x = (rng.standard_normal(shape, dtype=np.float32) for shape in ((200, 128), (rows, 128)))
            call("use_amx", 0)
            expected = product(weight, x, format)
            if not call("use_amx", 1) or not np.allclose(product(weight, x, format), expected, rtol=1e-3, atol=1e-3):
                sys.exit(1)


def product(weight: Floats, x: Floats, format: int) -> Floats:
    """x (rows, n_in) times a packed matrix (n_out, n_in) -> (rows, n_out)."""
    packed = pack(weight, format)
    (n_out, n_in), rows = weight.shape, len(x)
    matrix = CMatrix(pointer(packed.values), pointer(packed.scales), None, n_in, n_out, format)
    y, own = np.empty((rows, n_out), np.float32), np.empty(1 << 20, np.uint8)
    call("matmul", ctypes.byref(matrix), pointer(x), n_in, rows, pointer(y), n_out, 0, CCrew(0, 1, None, pointer(own)))
    return y
