"""Attention that can make every known mistake, and the dropout that all parts use."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nextword.config import GPTConfig
from nextword.learn.exercise import RIGHT, Mistakes

ORDERS = ("qvk", "kqv", "kvq", "vqk", "vkq")
"""The wrong orders in which c_attn's three parts can be taken for query, key and value: mistakes "order-kqv"."""


class ReferenceAttention(nn.Module):
    """Causal attention with several heads, with the mistakes of the exercise `attention`."""

    def __init__(self, config: GPTConfig, on: Mistakes = RIGHT):
        super().__init__()
        self.config, self.on = config, on
        C = config.n_embd
        self.n_head = 1 if "one-head" in on else config.n_head
        self.c_attn = nn.Linear(C, 3 * C, bias="qkv-bias-missing" not in on, dtype=torch.float64)
        if "projection-missing" not in on:
            self.c_proj = nn.Linear(C, C, bias="projection-bias-missing" not in on, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        on, x = self.on, x.double()
        q, k, v = self.queries_keys_values(x)  # (B, H, T, D) each
        weights = self.weights(q, k)  # (B, H, T, T)
        forgotten = {"dropout-missing", "weights-dropout-missing"} & on
        weights = drop(self, weights, self.config.dropout, bool(forgotten), "weights-dropout-in-eval" in on)
        y = self.merge(weights @ v)  # (B, T, C)
        if not {"projection-missing", "projection-unused"} & on:
            y = self.c_proj(y)
        forgotten = {"dropout-missing", "output-dropout-missing"} & on
        y = drop(self, y, self.config.dropout, bool(forgotten), "output-dropout-in-eval" in on)
        return x + y if "attention-residual-inside" in on else y

    def queries_keys_values(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, T, C) -> three of (B, H, T, D)."""
        packed = self.c_attn(x)  # (B, T, 3 C)
        if "qkv-per-head" in self.on:  # H times q, k, v instead of q, k, v of H heads each
            B, T, C = x.shape
            q, k, v = packed.view(B, T, self.n_head, 3, C // self.n_head).transpose(1, 2).unbind(3)
        else:
            q, k, v = (self.split(part) for part in packed.chunk(3, dim=-1))
        order = next((name for name in ORDERS if f"order-{name}" in self.on), "qkv")
        parts = dict(zip(order, (q, k, v), strict=True))
        return parts["q"], parts["k"], parts["v"]

    def split(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, H, T, D)."""
        B, T, C = x.shape
        H, D = self.n_head, C // self.n_head
        if "split-without-transpose" in self.on:
            return x.reshape(B, H, T, D)
        if "heads-strided" in self.on:
            return x.reshape(B, T, D, H).permute(0, 3, 1, 2)
        return x.reshape(B, T, H, D).transpose(1, 2)

    def merge(self, y: Tensor) -> Tensor:
        """(B, H, T, D) -> (B, T, C)."""
        B, H, T, D = y.shape
        if "merge-without-transpose" in self.on:
            return y.reshape(B, T, H * D)
        if "heads-strided" in self.on:
            return y.permute(0, 2, 3, 1).reshape(B, T, H * D)
        return y.transpose(1, 2).reshape(B, T, H * D)

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        """q and k (B, H, T, D) -> how much each token looks at each (B, H, T, T)."""
        on, D = self.on, q.size(-1)
        scales = {
            "scale-missing": 1.0,
            "scale-sqrt-c": math.sqrt(self.config.n_embd),
            "scale-by-d": float(D),
            "scale-sqrt-heads": math.sqrt(self.n_head),
            "scale-multiplied": 1.0 / math.sqrt(D),
            "scale-sqrt-tokens": math.sqrt(q.size(-2)),
        }
        scale = next((scales[name] for name in scales if name in on), math.sqrt(D))
        scores = q @ k.transpose(-2, -1) / scale
        visible = self.visible(q.size(-2))
        over_heads = {"softmax-over-heads", "softmax-over-heads-finite"}
        axis = -2 if "softmax-over-queries" in on else 1 if over_heads & on else -1
        if "mask-after-softmax" in on:
            return scores.softmax(axis) * visible
        low = {"mask-with-zero": 0.0, "mask-too-small": -1e4, "softmax-over-heads-finite": -1e9}
        hidden = next((low[name] for name in low if name in on), -math.inf)
        return scores.masked_fill(~visible, hidden).softmax(axis)

    def visible(self, T: int) -> Tensor:
        """Which tokens (columns) each token (row) sees: (T, T) of bool."""
        T = self.config.n_ctx if "mask-fixed" in self.on else T
        everything = torch.ones(T, T, dtype=torch.bool)
        if "mask-missing" in self.on:
            return everything
        if "mask-reversed" in self.on:
            return everything.triu()
        if "mask-inverted" in self.on:
            return everything.triu(1)
        return everything.tril(-1 if "mask-early" in self.on else 1 if "mask-late" in self.on else 0)


def drop(module: nn.Module, x: Tensor, p: float, forgotten: bool = False, in_eval: bool = False) -> Tensor:
    """Dropout while the module trains; `forgotten`: not even then; `in_eval`: when it does not train as well."""
    active = in_eval or (module.training and not forgotten)
    return F.dropout(x, p) if active and p else x
