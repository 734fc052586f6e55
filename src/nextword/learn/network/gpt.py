"""The whole of GPT-2 that can make every known mistake."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.learn.exercise import RIGHT, Mistakes
from nextword.learn.network.attention import drop
from nextword.learn.network.block import ReferenceBlock, ReferenceLayerNorm

OWN_HEAD = {"head-untied", "head-copied", "head-bias"}
"""The mistakes of a head that is more than the embedding once more."""


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
