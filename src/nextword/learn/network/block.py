"""LayerNorm, MLP and block that can make every known mistake."""

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.learn.exercise import RIGHT, Mistakes
from nextword.learn.exercises import gelu, layer_norm
from nextword.learn.network.attention import ReferenceAttention, drop


class ReferenceLayerNorm(nn.Module):
    """LayerNorm, with the mistakes of the exercise `layer_norm`."""

    def __init__(self, n_embd: int, on: Mistakes = RIGHT):
        super().__init__()
        self.function = layer_norm.reference(of("layer_norm", on)).layer_norm
        self.weight = nn.Parameter(torch.ones(n_embd, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(n_embd, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> (..., C)."""
        return self.function(x.double(), self.weight, self.bias)


OTHER_BENDS = {"relu": "relu", "erf-gelu": "erf", "quick-gelu": "sigmoid-form", "silu": "silu"}
"""Mistakes of the MLP's -> those of the exercise `gelu`, of which they are the result."""


class ReferenceMLP(nn.Module):
    """The feed-forward half of a block, with the mistakes of the exercise `mlp`."""

    def __init__(self, config: GPTConfig, on: Mistakes = RIGHT):
        super().__init__()
        self.config, self.on = config, on
        C = config.n_embd
        bends = frozenset(OTHER_BENDS[name] for name in OTHER_BENDS.keys() & on)
        self.activation = gelu.reference(bends | of("gelu", on)).gelu
        width = C if "width-c" in on else 2 * C if "width-2c" in on else 4 * C
        self.c_fc = nn.Linear(C, width, bias="fc-bias-missing" not in on, dtype=torch.float64)
        self.c_proj = nn.Linear(width, C, bias="mlp-projection-bias-missing" not in on, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        on, x, p = self.on, x.double(), self.config.dropout
        y = self.c_fc(x)  # (B, T, 4 C)
        if not {"activation-missing", "activation-late"} & on:
            y = self.activation(y)
        if "mlp-dropout-inside" in on:
            y = drop(self, y, p)
        y = self.c_proj(y)  # (B, T, C)
        if {"activation-late", "activation-twice"} & on:
            y = self.activation(y)
        forgotten = bool({"mlp-dropout-missing", "mlp-dropout-inside"} & on)
        y = drop(self, y, p, forgotten, "mlp-dropout-in-eval" in on)
        return x + y if "mlp-residual-inside" in on else y


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


def of(exercise: str, on: Mistakes) -> Mistakes:
    """The mistakes of one exercise among those that are named with it: {"gelu.erf", "post-norm"} -> {"erf"}"""
    return frozenset(name.removeprefix(f"{exercise}.") for name in on if name.startswith(f"{exercise}."))
