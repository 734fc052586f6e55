"""GPT-2 in C: hands the weights' places in memory to network.c, and the tokens after them."""

import ctypes
import os
from collections.abc import Iterable, Mapping, Sequence
from ctypes import POINTER, c_double, c_int, c_int32, c_ssize_t, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nextword.native.build import library

Floats = NDArray[np.float32]

F32_OUT_IN, F32_IN_OUT, BF16, INT8, INT4 = range(5)  # network.h's
PACKED = {"bfloat16": BF16, "int8": INT8, "int4": INT4}
FORMATS = ("float32", *PACKED)
"""How the matrices can be held; all else (embeddings, biases, LayerNorms) is float32."""

PANEL, GROUP, LANES = 64, 64, 16  # network.h's and vectors.h's


class Shape(Protocol):
    """What has to be known of a GPTConfig."""

    @property
    def n_vocab(self) -> int:
        """How many tokens there are."""

    @property
    def n_ctx(self) -> int:
        """How many positions."""

    @property
    def n_embd(self) -> int:
        """Numbers per token."""

    @property
    def n_head(self) -> int:
        """Heads per block."""

    @property
    def n_layer(self) -> int:
        """Blocks."""


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

    _fields_ = (("thread", c_int), ("n_threads", c_int), ("shared", c_void_p))


SIGNATURES: Mapping[str, tuple[Any, list[Any]]] = {
    "pack": (None, [c_int, c_void_p, c_ssize_t, c_ssize_t, c_int, c_int, c_void_p, c_void_p, c_int]),
    "matmul": (None, [c_void_p, c_void_p, c_ssize_t, c_int, c_void_p, c_ssize_t, c_int, CCrew]),
    "scratch_size": (c_ssize_t, [c_void_p, c_int, c_int, c_int]),
    "choose": (c_int32, [c_void_p, c_int32, c_double, c_int32, c_double, c_double]),
    "forward": (None, [c_void_p, c_void_p, c_int, *[c_void_p] * 3, c_int, *[c_void_p] * 3, c_int]),
}
"""The C functions: what they give back, and what they take."""


@dataclass(frozen=True)
class Packed:
    """A matrix in panels (pack.c): its words, and its scales if it has some."""

    format: int
    n_out: int
    n_in: int
    values: NDArray[np.uint32]
    scales: NDArray[np.uint32]

    @property
    def nbytes(self) -> int:
        """What has to be read for one product."""
        return self.values.nbytes + self.scales.nbytes


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


def unpack(matrix: Packed) -> Floats:
    """The numbers (out, in) that a packed matrix stands for: the reference for what is computed with it."""
    bits, shifts = ((16, (0, 16)), (8, (0, 8, 16, 24)), (4, (0, 8, 16, 24, 4, 12, 20, 28)))[matrix.format - BF16]
    down = np.array(shifts, np.uint32)[:, None]
    fields = matrix.values[:, :, None] >> down & np.uint32(2**bits - 1)  # (panels, words, per word, PANEL)
    q = fields.reshape(len(fields), -1, PANEL)  # (panels, in, PANEL)
    if matrix.format == BF16:
        weights = (q << np.uint32(16)).view(np.float32)
    elif matrix.format == INT8:
        weights = (q.astype(np.float32) - 128) * matrix.scales.view(np.float32)
    else:
        step = (matrix.scales & np.uint32(0xFFFF0000)).view(np.float32)
        least = (matrix.scales << np.uint32(16)).view(np.float32)
        weights = least.repeat(GROUP, axis=1) + step.repeat(GROUP, axis=1) * q
    return weights.transpose(0, 2, 1).reshape(-1, q.shape[1])[: matrix.n_out, : matrix.n_in].astype(np.float32)


def choose(logits: Floats, temperature: float, top_k: int | None, top_p: float, number: float) -> int:
    """Choose the next token among logits (V,), as `decode.choose.choose` does, by a number in [0, 1)."""
    V = len(logits)
    id: int = call("choose", pointer(logits), V, temperature, V if top_k is None else min(top_k, V), top_p, number)
    if id < 0:
        raise MemoryError("There is no memory left to choose a token in.")
    return id


class Memory:
    """The keys and values of everything read, for n_rows texts side by side."""

    def __init__(self, config: Shape, n_rows: int, is_bf16: bool):
        D, room = config.n_embd // config.n_head, -(-config.n_ctx // LANES) * LANES
        dtype = np.uint16 if is_bf16 else np.float32
        # Zeros, since the keys of positions to come are multiplied (and thrown away) with their block.
        self.keys = np.zeros((config.n_layer, n_rows, config.n_head, room // LANES, D, LANES), dtype)
        self.values = np.zeros((config.n_layer, n_rows, config.n_head, room, -(-D // LANES) * LANES), dtype)
        self.c = CMemory(pointer(self.keys), pointer(self.values), n_rows, is_bf16)


class Network:
    """A GPT-2 that the C kernels can run.

    tensors: every parameter in float32 by our name, matrices as (out, in) whatever
    their strides. Those in float32 are used where they lie, so they change
    with whoever changes them; others are packed here. Raises RuntimeError
    where there is no compiler (`library() is None`).
    """

    def __init__(self, config: Shape, tensors: Mapping[str, Floats], format: str = "float32"):
        self.config, self.format = config, format
        self._kept: list[Any] = []  # what the structures point to
        self.matrix_bytes = 0
        wte = self._keep(tensors["wte.weight"])
        blocks = (CBlock * config.n_layer)()
        for layer, block in enumerate(blocks):
            prefix = f"h.{layer}."
            for norm in ("ln_1", "ln_2"):
                for part in ("weight", "bias"):
                    setattr(block, f"{norm}_{part}", pointer(self._keep(tensors[f"{prefix}{norm}.{part}"])))
            for field, name in (
                ("c_attn", "attn.c_attn"),
                ("attn_c_proj", "attn.c_proj"),
                ("c_fc", "mlp.c_fc"),
                ("mlp_c_proj", "mlp.c_proj"),
            ):
                matrix = self._matrix(tensors[f"{prefix}{name}.weight"], self._keep(tensors[f"{prefix}{name}.bias"]))
                setattr(block, field, matrix)
        self._kept.append(blocks)
        self._c = CNetwork(
            config.n_vocab,
            config.n_ctx,
            config.n_embd,
            config.n_head,
            config.n_layer,
            pointer(wte),
            pointer(self._keep(tensors["wpe.weight"])),
            blocks,
            pointer(self._keep(tensors["ln_f.weight"])),
            pointer(self._keep(tensors["ln_f.bias"])),
            self._matrix(wte, None),
        )
        self._scratch = np.zeros(0, np.float32)

    def memory(self, n_rows: int) -> Memory:
        """Room for the keys and values of n_rows texts: float32 beside float32 matrices, else bfloat16."""
        return Memory(self.config, n_rows, is_bf16=self.format != "float32")

    def forward(
        self,
        memory: Memory,
        ids: Sequence[int],
        rows: Sequence[int],
        positions: Sequence[int],
        scored: Iterable[int],
    ) -> Floats:
        """Read n tokens, each on its row at its position; score what follows some of them: (scored, V).

        Tokens of one row stand together in the order of their positions, and
        all that comes before them has been read. scored: indices among the n.
        """
        which = np.fromiter(scored, np.int32)
        logits = np.empty((len(which), self.config.n_vocab), np.float32)
        size = call("scratch_size", ctypes.byref(self._c), len(ids), len(which), threads())
        if self._scratch.size < size or self.config.n_embd % GROUP:  # rows that end within a group end in zeros
            self._scratch = np.zeros(size, np.float32)
        tokens = np.array((ids, rows, positions), np.int32)
        call(
            "forward",
            ctypes.byref(self._c),
            ctypes.byref(memory.c),
            len(ids),
            *(pointer(part) for part in tokens),
            len(which),
            pointer(which),
            pointer(logits),
            pointer(self._scratch),
            threads(),
        )
        return logits

    def _matrix(self, weight: Floats, bias: Floats | None) -> CMatrix:
        n_out, n_in = weight.shape
        bias_at = None if bias is None else pointer(bias)
        if self.format in PACKED:
            packed = pack(weight, PACKED[self.format])
            self._kept.append(packed)
            self.matrix_bytes += packed.nbytes
            return CMatrix(pointer(packed.values), pointer(packed.scales), bias_at, n_in, n_out, packed.format)
        self._kept.append(weight)
        self.matrix_bytes += weight.nbytes
        layout = F32_OUT_IN if weight.flags.c_contiguous else F32_IN_OUT
        return CMatrix(pointer(weight), None, bias_at, n_in, n_out, layout)

    def _keep(self, tensor: Floats) -> Floats:
        self._kept.append(tensor)
        return tensor


def threads() -> int:
    """How many threads the kernels use: OMP_NUM_THREADS, or one for each core."""
    if given := os.environ.get("OMP_NUM_THREADS"):
        return int(given)
    return max(1, len(os.sched_getaffinity(0)) // (2 if hyper_threading() else 1))


def hyper_threading() -> bool:
    """Whether two processors are two halves of one core."""
    try:
        return Path("/sys/devices/system/cpu/smt/active").read_text().strip() == "1"
    except OSError:
        return False


def pointer(array: NDArray[Any]) -> int:
    """Where an array's numbers begin."""
    return array.__array_interface__["data"][0]


def call(name: str, *arguments: Any) -> Any:
    """Call one of the C functions."""
    kernels = library()
    if kernels is None:
        raise RuntimeError("The C kernels are not there: this machine has no C compiler.")
    function = kernels[name]
    function.restype, function.argtypes = SIGNATURES[name]
    return function(*arguments)
