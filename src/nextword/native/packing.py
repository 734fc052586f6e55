"""Matrices in fewer bits: see pack.c."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextword.native.calling import call, pointer, threads

Floats = NDArray[np.float32]

BF16, INT8, INT4 = 2, 3, 4  # network.h's
PACKED = {"bfloat16": BF16, "int8": INT8, "int4": INT4}
PANEL, GROUP = 64, 64  # network.h's


@dataclass(frozen=True)
class Packed:
    """A matrix in panels (pack.c): its words, and its scales if it has some."""

    format: int
    n_out: int
    n_in: int
    values: NDArray[np.uint32]
    scales: NDArray[np.uint32]


def pack(weight: Floats, format: int) -> Packed:
    """Round a matrix (out, in) to BF16, INT8 or INT4, with one scale per output or one per 64 inputs."""
    n_out, n_in = weight.shape
    panels, whole_in = -(-n_out // PANEL), -(-n_in // GROUP) * GROUP
    values = np.empty((panels, whole_in * (16, 8, 4)[format - BF16] // 32, PANEL), np.uint32)
    groups = {BF16: 0, INT8: 1, INT4: whole_in // GROUP}[format]
    scales = np.empty((panels, groups, PANEL), np.uint32)
    stride_out, stride_in = (stride // weight.itemsize for stride in weight.strides)
    call(
        "pack", format, pointer(weight), stride_out, stride_in, n_out, n_in, pointer(values), pointer(scales), threads()
    )
    return Packed(format, n_out, n_in, values, scales)
