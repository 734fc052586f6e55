"""GPT-2 in C: hands the weights' places in memory to network.c, and the tokens after them."""

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.config import GPTConfig
from nextword.native.calling import CBlock, CMatrix, CMemory, CNetwork, call, pointer, threads
from nextword.native.packing import GROUP, PACKED, pack

Floats = NDArray[np.float32]

F32_OUT_IN, F32_IN_OUT = 0, 1  # network.h's
LANES = 16  # vectors.h's


class Memory:
    """The keys and values of everything read, for n_rows texts side by side."""

    def __init__(self, config: GPTConfig, n_rows: int, is_bf16: bool):
        D, room = config.n_embd // config.n_head, -(-config.n_ctx // LANES) * LANES
        dtype = np.uint16 if is_bf16 else np.float32
        # Zeros, since the keys of positions to come are multiplied (and thrown away) with their block.
        self.keys = np.zeros((config.n_layer, n_rows, config.n_head, room // LANES, D, LANES), dtype)
        self.values = np.zeros((config.n_layer, n_rows, config.n_head, room, -(-D // LANES) * LANES), dtype)
        self.c = CMemory(pointer(self.keys), pointer(self.values), n_rows, is_bf16)

    def copy(self, row: int, onto: Sequence[int], length: int) -> None:
        """Let other rows hold the first tokens of this one."""
        blocks = -(-length // LANES)
        self.keys[:, onto, :, :blocks] = self.keys[:, row, None, :, :blocks]
        self.values[:, onto, :, :length] = self.values[:, row, None, :, :length]


class Network:
    """A GPT-2 that the C kernels can run.

    tensors: every parameter in float32 by our name, matrices as (out, in) whatever
    their strides. Those in float32 are used where they lie, so they change
    with whoever changes them; others are packed here. Raises RuntimeError
    where there is no compiler (`library() is None`).
    """

    def __init__(self, config: GPTConfig, tensors: Mapping[str, Floats], format: str = "float32"):
        self.config, self.format = config, format
        self._kept: list[Any] = []  # what the structures point to
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
        self._threads = threads()
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
        size = call("scratch_size", ctypes.byref(self._c), len(ids), len(which), self._threads)
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
            self._threads,
        )
        return logits

    def _matrix(self, weight: Floats, bias: Floats | None) -> CMatrix:
        n_out, n_in = weight.shape
        bias_at = None if bias is None else pointer(bias)
        if self.format in PACKED:
            packed = pack(weight, PACKED[self.format])
            self._kept.append(packed)
            return CMatrix(pointer(packed.values), pointer(packed.scales), bias_at, n_in, n_out, packed.format)
        self._kept.append(weight)
        assert weight.flags.c_contiguous or weight.flags.f_contiguous
        layout = F32_OUT_IN if weight.flags.c_contiguous else F32_IN_OUT
        return CMatrix(pointer(weight), None, bias_at, n_in, n_out, layout)

    def _keep(self, tensor: Floats) -> Floats:
        assert tensor.flags.c_contiguous
        assert tensor.dtype == np.float32
        self._kept.append(tensor)
        return tensor
