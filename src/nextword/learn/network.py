"""GPT-2 once more, with every known mistake behind a switch.

`on` holds the names of the mistakes to make; the exercises say what each of
them is. Without any this is GPT-2, in float64, under the names of `nextword.model`,
and slow: a test holds it to transformers'. What it makes of an input with one
mistake is what people's code is compared with.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nextword.learn.exercise import RIGHT, Mistakes
from nextword.learn.exercises import layer_norm
from nextword.model.config import GPTConfig

ORDERS = ("qvk", "kqv", "kvq", "vqk", "vkq")
"""The wrong orders in which c_attn's three parts can be taken for query, key and value: mistakes "order-kqv"."""

OWN_HEAD = {"head-untied", "head-copied", "head-bias"}
"""The mistakes of a head that is more than the embedding once more."""


class ReferenceLayerNorm(nn.Module):
    """LayerNorm, with the mistakes of the exercise `layer_norm`."""

    def __init__(self, n_embd: int, on: Mistakes = RIGHT):
        super().__init__()
        self.function = layer_norm.reference(on).layer_norm
        self.weight = nn.Parameter(torch.ones(n_embd, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(n_embd, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> (..., C)."""
        return self.function(x, self.weight, self.bias)


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
        }
        scale = next((scales[name] for name in scales if name in on), math.sqrt(D))
        scores = q @ k.transpose(-2, -1) / scale
        visible = self.visible(q.size(-2))
        axis = -2 if "softmax-over-queries" in on else 1 if "softmax-over-heads" in on else -1
        if "mask-after-softmax" in on:
            return scores.softmax(axis) * visible
        hidden = 0.0 if "mask-with-zero" in on else -1e4 if "mask-too-small" in on else -math.inf
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


class ReferenceMLP(nn.Module):
    """The feed-forward half of a block, with the mistakes of the exercise `mlp`."""

    def __init__(self, config: GPTConfig, on: Mistakes = RIGHT):
        super().__init__()
        self.config, self.on = config, on
        C = config.n_embd
        width = C if "width-c" in on else 2 * C if "width-2c" in on else 4 * C
        self.c_fc = nn.Linear(C, width, bias="fc-bias-missing" not in on, dtype=torch.float64)
        self.c_proj = nn.Linear(width, C, bias="mlp-projection-bias-missing" not in on, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        on, x, p = self.on, x.double(), self.config.dropout
        y = self.c_fc(x)  # (B, T, 4 C)
        if not {"activation-missing", "activation-late"} & on:
            y = activation(y, on)
        if "mlp-dropout-inside" in on:
            y = drop(self, y, p)
        y = self.c_proj(y)  # (B, T, C)
        if {"activation-late", "activation-twice"} & on:
            y = activation(y, on)
        forgotten = bool({"mlp-dropout-missing", "mlp-dropout-inside"} & on)
        y = drop(self, y, p, forgotten, "mlp-dropout-in-eval" in on)
        return x + y if "mlp-residual-inside" in on else y


def activation(x: Tensor, on: Mistakes = RIGHT) -> Tensor:
    """GELU, or what people take for it."""
    if "relu" in on:
        return x.relu()
    if "silu" in on:
        return x * x.sigmoid()
    if "quick-gelu" in on:
        return x * (1.702 * x).sigmoid()
    return F.gelu(x, approximate="none" if "erf-gelu" in on else "tanh")


class ReferenceBlock(nn.Module):
    """A block, with the mistakes of the exercise `block` and of what it is made of."""

    def __init__(self, config: GPTConfig, on: Mistakes = RIGHT):
        super().__init__()
        self.config, self.on = config, on
        if "norms-missing" not in on:
            self.ln_1 = ReferenceLayerNorm(config.n_embd, on)
        self.attn = ReferenceAttention(config, on)
        if not {"norms-missing", "one-norm", "parallel-one-norm"} & on:
            self.ln_2 = ReferenceLayerNorm(config.n_embd, on)
        self.mlp = ReferenceMLP(config, on)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        on, x = self.on, x.double()
        attend, think = self.attend, self.think
        norms = (self.second_norm, self.first_norm) if "norms-swapped" in on else (self.first_norm, self.second_norm)
        if "post-norm" in on:
            x = norms[0](x + attend(x))
            return norms[1](x + think(x))
        if "norm-after" in on:
            x = x + norms[0](attend(x))
            return x + norms[1](think(x))
        if {"parallel", "parallel-one-norm"} & on:
            return x + attend(norms[0](x)) + think(norms[1](x))
        if "mlp-first" in on:
            x = x + think(norms[1](x))
            return x + attend(norms[0](x))
        normed = norms[0](x)
        x = self.join("first", x, normed, attend(normed))
        normed = norms[1](x)
        return self.join("second", x, normed, think(normed))

    def join(self, half: str, x: Tensor, normed: Tensor, y: Tensor) -> Tensor:
        """What a half found, y, added to what was there, x (B, T, C), or to what it should not be added to."""
        if f"{half}-residual-missing" in self.on or "residuals-missing" in self.on:
            return y
        if f"{half}-residual-normalised" in self.on or "residuals-normalised" in self.on:
            return normed + y
        return x + y

    def first_norm(self, x: Tensor) -> Tensor:
        """ln_1, or what is done in its place."""
        return x if {"first-norm-unused", "norms-missing"} & self.on else self.ln_1(x)

    def second_norm(self, x: Tensor) -> Tensor:
        """ln_2, or what is done in its place."""
        if {"one-norm", "parallel-one-norm", "first-norm-twice"} & self.on:
            return self.first_norm(x)
        return x if {"second-norm-unused", "norms-missing"} & self.on else self.ln_2(x)

    def attend(self, x: Tensor) -> Tensor:
        """The first half's work."""
        return drop(self, self.attn(x), self.config.dropout, True, "block-dropout-in-eval" in self.on)

    def think(self, x: Tensor) -> Tensor:
        """The second half's work."""
        return drop(self, self.mlp(x), self.config.dropout, True, "block-dropout-in-eval" in self.on)


class ReferenceGPT(nn.Module):
    """GPT-2, with the mistakes of the exercise `gpt` and of all its parts."""

    def __init__(self, config: GPTConfig, on: Mistakes = RIGHT):
        super().__init__()
        self.config, self.on = config, on
        C = config.n_embd
        self.wte = nn.Embedding(config.n_vocab, C, dtype=torch.float64)
        if "positions-missing" not in on:
            self.wpe = nn.Embedding(config.n_ctx, C, dtype=torch.float64)
        self.h: Any = self.blocks()
        if "final-norm-missing" not in on:
            self.ln_f = ReferenceLayerNorm(C, on)
        if OWN_HEAD & on:
            self.lm_head = nn.Linear(C, config.n_vocab, bias="head-bias" in on, dtype=torch.float64)
            if "head-copied" in on:
                self.lm_head.weight = nn.Parameter(self.wte.weight.detach().clone())
            elif "head-untied" not in on:
                self.lm_head.weight = self.wte.weight

    def blocks(self) -> Any:
        """The blocks, in whatever holds them."""
        config, on = self.config, self.on
        if "blocks-shared" in on:
            return nn.ModuleList([ReferenceBlock(config, on)] * config.n_layer)
        n_layer = config.n_layer - 1 if "block-missing" in on else config.n_layer
        blocks = [ReferenceBlock(config, on) for _ in range(n_layer)]
        return blocks if "blocks-in-a-list" in on else nn.ModuleList(blocks)

    def forward(self, ids: Tensor) -> Any:
        """ids (B, T) -> logits (B, T, V). Raises ValueError for more than n_ctx tokens."""
        on = self.on
        if "keeps-the-last" in on:
            ids = ids[:, -self.config.n_ctx :]
        if "keeps-the-first" in on:
            ids = ids[:, : self.config.n_ctx]
        x = self.through_the_blocks(self.embed(ids))  # (B, T, C)
        if not {"final-norm-missing", "final-norm-unused"} & on:
            x = self.ln_f(x)
        if "last-position-only" in on:
            x = x[:, -1:]
        logits = self.lm_head(x) if OWN_HEAD & on else x @ self.wte.weight.T  # (B, T, V)
        if "softmax-applied" in on:
            logits = logits.softmax(-1)
        if "log-softmax-applied" in on:
            logits = logits.log_softmax(-1)
        return (logits, None) if "returns-a-pair" in on else logits

    def embed(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> x (B, T, C)."""
        on, T = self.on, ids.size(1)
        x = self.wte(ids)
        if "embedding-scaled" in on:
            x = x * math.sqrt(self.config.n_embd)
        if not {"positions-missing", "positions-unused"} & on:
            x = x + self.wpe(self.positions(T))
        forgotten, in_eval = "embedding-dropout-missing" in on, "embedding-dropout-in-eval" in on
        return drop(self, x, self.config.dropout, forgotten, in_eval)

    def positions(self, T: int) -> Tensor:
        """Where T tokens stand: (T,) from 0, or what people take for it."""
        on, n_ctx = self.on, self.config.n_ctx
        positions = torch.arange(T)
        if "positions-wrapped" in on:
            positions = positions % n_ctx
        if "positions-clamped" in on:
            positions = positions.clamp(max=n_ctx - 1)
        if "positions-shifted" in on:
            positions = positions + 1
        if "positions-reversed" in on:
            positions = positions.flip(0)
        if "positions-from-the-end" in on:
            positions = positions + n_ctx - T
        if "positions-all-zero" in on:
            positions = positions * 0
        if positions.max() >= n_ctx or positions.min() < 0:
            raise ValueError(f"{T} tokens are more than n_ctx = {n_ctx}.")
        return positions

    def through_the_blocks(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        on = self.on
        blocks = list(self.h)
        if "blocks-reversed" in on:
            blocks.reverse()
        if "last-block-skipped" in on:
            blocks.pop()
        if "blocks-not-chained" in on:
            return blocks[-1](x)
        for block in blocks:
            x = block(x)
        return x


def drop(module: nn.Module, x: Tensor, p: float, forgotten: bool = False, in_eval: bool = False) -> Tensor:
    """Dropout while the module trains; `forgotten`: not even then; `in_eval`: when it does not train as well."""
    active = in_eval or (module.training and not forgotten)
    return F.dropout(x, p) if active and p else x
