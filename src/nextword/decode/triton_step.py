"""One token's way through the network with Triton's help, on CUDA; see `triton_kernels.py`."""

import math
import sys

import torch
from torch import Tensor, nn

from nextword.decode.sampling import Sampling
from nextword.decode.triton_kernels import attend, draw, embed, product, shortlist
from nextword.model import GPT, RowCache
from nextword.model.block import Block

LIST_BLOCK = 1024  # logits of which a program lists the highest
LONGEST_LIST = 64  # the largest top_k that `TritonChoice` serves


class TritonStep:
    """Reads the pending token of an engine's only row: 3 + 5 n_layer launches (PyTorch's own need some 20 n_layer).

    The weights are read where they are, except those that are stored
    transposed, of which `refresh` makes copies in the order that the kernels read.
    """

    def __init__(self, model: GPT, cache: RowCache, pending: Tensor):
        config = model.config
        self._config, self._model, self._cache, self._pending = config, model, cache, pending
        C, device = config.n_embd, pending.device
        self._x = torch.zeros(C, device=device)
        self._qkv = torch.zeros(3 * C, device=device)
        self._y = torch.zeros(C, device=device)
        self._wide = torch.zeros(4 * C, device=device)
        self._logits = torch.zeros(1, config.n_vocab, device=device)
        self._copies: dict[Tensor, Tensor] = {
            parameter: parameter.detach().contiguous()
            for parameter in model.parameters()
            if not parameter.is_contiguous()
        }

    def refresh(self) -> None:
        """Copy again what is a copy."""
        for parameter, copy in self._copies.items():
            copy.copy_(parameter)

    def __call__(self) -> Tensor:
        """logits (1, V), float32, at the same address every time."""
        config, model = self._config, self._model
        C = config.n_embd
        lengths = self._cache.lengths
        embed[(1,)](
            self._pending, lengths, self._of(model.wte.weight), self._of(model.wpe.weight), self._x, C, BLOCK=power(C)
        )
        for layer, block in enumerate(model.h):
            assert isinstance(block, Block)
            ln_1, ln_2, attn, mlp = block.ln_1, block.ln_2, block.attn, block.mlp
            self._product(self._x, self._qkv, attn.c_attn.weight, attn.c_attn.bias, norm=(ln_1.weight, ln_1.bias))
            attend_to_cache(self._qkv, self._y, self._cache, layer)
            self._product(self._y, self._x, attn.c_proj.weight, attn.c_proj.bias, add=True)
            self._product(self._x, self._wide, mlp.c_fc.weight, mlp.c_fc.bias, norm=(ln_2.weight, ln_2.bias), gelu=True)
            self._product(self._wide, self._x, mlp.c_proj.weight, mlp.c_proj.bias, add=True)
        self._product(self._x, self._logits, model.wte.weight, None, norm=(model.ln_f.weight, model.ln_f.bias))
        lengths += self._cache.active
        return self._logits

    def _product(
        self,
        x: Tensor,
        y: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        *,
        norm: tuple[Tensor, Tensor] | None = None,
        gelu: bool = False,
        add: bool = False,
    ) -> None:
        """y (N,) = weight (N, K) @ x (K,), and what belongs to it; see `triton_kernels.product`."""
        N, K = weight.shape
        block_k = min(1024, power(K))
        # Enough programs for every multiprocessor to have one or two, and for each some ten kilobytes to wait for.
        block_n = 4 if N < 1536 else 8 if N < 16384 else 16
        ln_weight, ln_bias = norm or (weight, weight)
        product[(-(-N // block_n),)](
            x,
            y,
            self._of(weight),
            weight if bias is None else bias,
            ln_weight,
            ln_bias,
            N,
            K,
            1e-5,
            NORM=norm is not None,
            BIAS=bias is not None,
            GELU=gelu,
            ADD=add,
            BLOCK_N=block_n,
            BLOCK_K=block_k,
            CHUNKS=-(-K // block_k),
        )

    def _of(self, weight: Tensor) -> Tensor:
        return self._copies.get(weight, weight)


class TritonRows:
    """Reads the pending tokens of many rows: PyTorch's products, and attention that reads of each row what it has.

    head (V or more, C): wte, as the engine has it.
    """

    def __init__(self, model: GPT, cache: RowCache, pending: Tensor, head: Tensor | None):
        self._model, self._cache, self._pending, self._head = model, cache, pending, head

    def __call__(self) -> Tensor:
        """logits (R, V) of the model's dtype."""
        model, cache = self._model, self._cache
        positions = cache.lengths.clamp(max=cache.n_ctx - 1)
        x = model.wte(self._pending) + model.wpe(positions)  # (R, C)
        for layer, block in enumerate(model.h):
            assert isinstance(block, Block)
            qkv = block.attn.c_attn(block.ln_1(x))  # (R, 3 C)
            y = torch.empty_like(x)
            attend_to_cache(qkv, y, cache, layer)
            x = x + block.attn.c_proj(y)
            x = x + block.mlp(block.ln_2(x))
        cache.advance(1)
        x = model.ln_f(x)
        return model.head(x) if self._head is None else nn.functional.linear(x, self._head)[:, : model.config.n_vocab]


def attend_to_cache(qkv: Tensor, y: Tensor, cache: RowCache, layer: int) -> None:
    """Add each row's new key and value to the cache, and attend: qkv (R, 3 C), or flat, -> y (R, C)."""
    keys, values = cache._keys[layer], cache._values[layer]
    R, H, n_ctx, D = keys.shape
    scale = 1.0 / math.sqrt(D)
    attend[(H, R)](
        qkv, keys, values, y, cache.lengths, H * D, n_ctx, scale, D=D, BLOCK_D=power(D), BLOCK_S=64, num_warps=4
    )


class TritonChoice:
    """`choose` in two launches, for greedy choice and for top_k up to LONGEST_LIST, on any number of rows."""

    def __init__(self, sampling: Sampling, n_vocab: int, n_rows: int, device: torch.device):
        greedy = sampling.temperature == 0
        assert can_choose(sampling)
        self._k = min(1 if greedy else sampling.top_k or 1, n_vocab)
        setting = [1.0, 1.0] if greedy else [max(sampling.temperature, sys.float_info.min), sampling.top_p]
        self._setting = torch.tensor(setting, dtype=torch.float64, device=device)
        self._slots = power(self._k)
        self._blocks = -(-n_vocab // LIST_BLOCK)
        shape = (n_rows, self._blocks, self._slots)
        self._ranks = torch.zeros(shape, dtype=torch.int64, device=device)
        self._ids = torch.zeros(shape, dtype=torch.int64, device=device)

    def __call__(
        self, logits: Tensor, numbers: Tensor, turn: Tensor, active: Tensor, pending: Tensor, chosen: Tensor
    ) -> None:
        """logits (R, V), numbers and chosen (turns, R), turn (1,), active and pending (R,): see `draw`."""
        R, V = logits.shape
        shortlist[(R, self._blocks)](
            logits, logits.stride(0), self._ranks, self._ids, V, self._k, BLOCK=LIST_BLOCK, SLOTS=self._slots
        )
        size = self._blocks * self._slots
        draw[(R,)](
            self._ranks,
            self._ids,
            self._setting,
            numbers,
            turn,
            active,
            pending,
            chosen,
            self._k,
            R,
            size,
            BLOCK=power(size),
            num_warps=16,
        )


def can_choose(sampling: Sampling) -> bool:
    """Whether `TritonChoice` serves this setting."""
    return sampling.temperature == 0 or (sampling.top_k is not None and sampling.top_k <= LONGEST_LIST)


def power(n: int) -> int:
    """The power of two that is not below n."""
    return 1 << (n - 1).bit_length()
