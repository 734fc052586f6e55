"""GPT-2, whole: ids -> embed -> blocks -> ln_f -> tied head -> logits."""

import math
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.model import fused
from nextword.model.block import Block, LayerNorm
from nextword.model.cache import Cache
from nextword.model.ops import Ops, functions_of


class GPT(nn.Module):
    """A Transformer that predicts the next token at every position at once.

    `ops` is the module of functions to compute with: `fused` to run, `plain`
    to read along. The parameters carry OpenAI's names (`wte`, `wpe`,
    `h.0.attn.c_attn`, ..., `ln_f`); the head has no weights of its own, it
    uses `wte` again.

    Source: Radford et al., "Language Models are Unsupervised Multitask
    Learners" (2019), section 2.3.
    """

    engine: str | None = None
    """Which of `decode`'s engines writes with it: native, torch or plain; None for the fastest that suits it."""

    vocabulary: Any = None
    """What its ids stand for, a `tokenizer.Vocabulary`, for those who show or save them: the model has no use for it.
    None where nobody has said; then it is taken for GPT-2's if it is as large."""

    def __init__(self, config: GPTConfig, ops: Ops = fused):
        super().__init__()
        self.config = config
        self.ops = ops = functions_of(ops)
        self.wte = nn.Embedding(config.n_vocab, config.n_embd)
        self.wpe = nn.Embedding(config.n_ctx, config.n_embd)
        self.h = nn.ModuleList(Block(config, layer, ops) for layer in range(config.n_layer))
        self.ln_f = LayerNorm(config.n_embd, ops)
        init_weights(self)

    def forward(self, ids: Tensor, cache: Cache | None = None) -> Tensor:
        """Score every token of the vocabulary as the next one, at every position.

        ids (B, T) of int64 -> logits (B, T, V). With a cache, ids are the T
        tokens that follow those in the cache, which is advanced by T. Raises
        ValueError for ids out of range and for texts longer than n_ctx.
        """
        return self.head(self.trunk(ids, cache))

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Compute the cross-entropy of the targets: ids and targets (B, T) -> (), in nats a token."""
        return self.ops.head_loss(self.trunk(ids), self.wte.weight, targets)

    def trunk(self, ids: Tensor, cache: Cache | None = None) -> Tensor:
        """Run all but the head: ids (B, T) -> x (B, T, C), after the last LayerNorm.

        Where only some positions' logits are wanted (the last one's, in
        writing), calling `head` on those rows saves most of the head's work.
        """
        for x in self.residual_stream(ids, cache):  # noqa: B007
            pass  # the last one counts
        return self.ln_f(x)

    def residual_stream(self, ids: Tensor, cache: Cache | None = None) -> Iterator[Tensor]:
        """Yield the residual stream, embedded and then after each block: ids (B, T) -> x (B, T, C)."""
        x = self.embed(ids, cache)  # (B, T, C)
        yield x
        for block in self.h:
            x = block(x, cache)
            yield x
        if cache is not None:
            cache.advance(ids.size(1))

    def embed(self, ids: Tensor, cache: Cache | None = None) -> Tensor:
        """Add token and position embeddings: ids (B, T) -> x (B, T, C)."""
        check_ids(ids, self.config, cache, values=not (self.training and ids.is_cuda))
        T = ids.size(1)
        positions = torch.arange(T, device=ids.device) if cache is None else cache.place(T)  # (T,) or (B, T)
        x = self.wte(ids) + self.wpe(positions)
        return self.ops.drop(x, self.config.dropout if self.training else 0.0)

    def block(self, layer: int) -> Block:
        """Get one of the blocks, `h[layer]`, by its type."""
        return cast(Block, self.h[layer])

    def head(self, x: Tensor) -> Tensor:
        """Unembed: x (..., C) -> logits (..., V), the products with every token's embedding."""
        return nn.functional.linear(x, self.wte.weight)


@torch.no_grad()
def init_weights(model: GPT) -> None:
    """Initialise the weights as GPT-2's were, from torch's global generator.

    Normal with deviation 0.02; biases 0; LayerNorms 1 and 0. The two
    projections that write into the residual stream are divided by
    sqrt(2 n_layer), since so many of them add up there.

    Source: Radford et al. (2018), section 4.1 for 0.02; Radford et al.
    (2019), section 2.3 for the scaling.
    """
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif "ln_" in name:
            nn.init.ones_(parameter)
        else:
            shrink = math.sqrt(2 * model.config.n_layer) if name.endswith("c_proj.weight") else 1.0
            nn.init.normal_(parameter, std=0.02 / shrink)


def check_ids(ids: Tensor, config: GPTConfig, cache: Cache | None = None, values: bool = True) -> None:
    """Raise ValueError, with the remedy, unless the model can read these ids.

    Inside torch.compile, with a static cache and without `values` (in training on
    a GPU) only the shape is checked: reading the values there would make the
    processor wait for the GPU at every step.
    """
    if ids.dtype != torch.int64:
        raise ValueError(f"ids must be int64 (torch.long), not {ids.dtype}: convert them with ids.long().")
    if ids.dim() != 2 or ids.numel() == 0:
        raise ValueError(
            f"ids must have the shape (batch, tokens) with at least one token, not {tuple(ids.shape)}: "
            "one text is ids.unsqueeze(0)."
        )
    read = 0 if cache is None else cache.length
    if read + ids.size(1) > config.n_ctx:
        before = f"{read} in the cache + " if read else ""
        raise ValueError(
            f"{before}{ids.size(1)} tokens are more than n_ctx = {config.n_ctx}: keep the last ones, "
            f"ids[:, -{config.n_ctx}:]{', in a cleared cache' if read else ''}."
        )
    if cache is not None and cache.batch_size != ids.size(0):
        raise ValueError(f"the cache holds {cache.batch_size} texts side by side, but ids has {ids.size(0)}.")
    if not values or torch.compiler.is_compiling() or (cache is not None and cache.static):
        return
    low, high = ids.aminmax()
    if low < 0 or high >= config.n_vocab:
        wrong = int(low if low < 0 else high)
        raise ValueError(
            f"id {wrong} is outside the vocabulary, 0 to {config.n_vocab - 1}: was it made by another tokenizer?"
        )
