"""A forward pass taken apart: every activation by its name, computed when first asked for."""

from collections.abc import Callable, Collection, Mapping
from typing import Self

import torch
from torch import Tensor

from nextword.errors import NotFiniteError
from nextword.lens.names import all_names, check_depth, parse_name
from nextword.model import GPT, KVCache, fused, plain
from nextword.model.attention import merge_heads, split_heads
from nextword.model.gpt import check_ids

Intervention = Callable[[Tensor], Tensor]
"""An intervention: an activation -> what takes its place, of the same shape."""


class ForwardPass:
    """A forward pass whose activations are computed when first asked for, and kept.

    `forward["h.3.attn.weights"]` is one of them. `names` lists what there is, `names.py` says what it means. The
    tensors are where the model is, in its dtype, and without gradients; dropout
    is off, whatever the model's mode. changes: what to put in the place of
    what is made under these names; all that follows is computed from that.
    kept: the parts to keep (such as "attn.q"), if not all; the stream between
    the blocks always is. past: a cache with what the model has read before
    these ids, if they are the last ones of a text; it stays as it is, and its
    tokens are among the keys. Raises ValueError for ids that the model cannot
    read.
    """

    def __init__(
        self,
        model: GPT,
        ids: Tensor,
        changes: Mapping[str, Intervention] | None = None,
        kept: Collection[str] | None = None,
        past: KVCache | None = None,
    ):
        check_ids(ids, model.config, past)
        self.model, self.config, self.ids = model, model.config, ids
        self._changes, self._past = dict(changes or {}), past
        for name in self._changes:
            if parse_name(name, self.config).kind.beside:
                instead = "attn.y" if name.endswith("head_out") else "out"
                raise ValueError(f"Nothing is computed from {name}, so changing it changes nothing: change {instead}.")
        self._kept = None if kept is None else {*kept, "resid_pre", "resid_post"}
        self._made: dict[str, Tensor] = {}

    @property
    def names(self) -> list[str]:
        """List all activations, in the order of their computation."""
        return all_names(self.config)

    @torch.no_grad()
    def __getitem__(self, name: str) -> Tensor:
        """Compute the activation of this name. Raises ValueError, with the near miss, if there is none."""
        last = parse_name(name, self.config).layer
        for layer in range(last):  # block by block, or the way back to the embedding would be one deep recursion
            self._get(f"h.{layer}.resid_post")
            self._let_go()
        found = self._get(name)
        self._let_go()
        return found

    def changed(self, changes: Mapping[str, Intervention]) -> Self:
        """Intervene in the same pass; what comes before the first change is not computed anew."""
        other = type(self)(self.model, self.ids, {**self._changes, **changes}, self._kept, self._past)
        first = min((parse_name(name, self.config).layer for name in changes), default=self.config.n_layer + 1)
        other._made = {name: made for name, made in self._made.items() if parse_name(name, self.config).layer < first}
        return other

    def know(self, name: str, value: Tensor) -> None:
        """Store an activation that is computed already."""
        parse_name(name, self.config)
        self._made[name] = value

    def stream(self, layer: int) -> Tensor:
        """Give the residual stream after 0 to n_layer blocks: (B, T, C). Raises ValueError for other numbers."""
        check_depth(layer, self.config)
        if layer == self.config.n_layer:
            return self[f"h.{layer - 1}.resid_post"]
        return self[f"h.{layer}.resid_pre"]

    def _get(self, name: str) -> Tensor:
        if name not in self._made:
            layer, part, _ = parse_name(name, self.config)
            made = self._make(layer, part)
            if name in self._changes:
                changed = self._changes[name](made)
                if changed.shape != made.shape:
                    raise ValueError(f"{name} has the shape {tuple(made.shape)}, and was given {tuple(changed.shape)}.")
                made = changed
            self._made[name] = made
        return self._made[name]

    def _make(self, layer: int, part: str) -> Tensor:
        """Compute an activation from those before it: one case for each name."""
        model = self.model
        match part:
            case "embed":
                T = self.ids.size(1)
                positions = torch.arange(T, device=self.ids.device) if self._past is None else self._past.place(T)
                return model.wte(self.ids) + model.wpe(positions)
            case "ln_f.scale":
                return scale(self.stream(layer))
            case "ln_f.out":
                out = model.ln_f(self.stream(layer))
                if not self._changes and not out.isfinite().all():
                    raise NotFiniteError(self._first_not_finite())
                return out
            case "logits":
                return model.head(self._get("ln_f.out"))
        block = model.block(layer)

        def get(part: str) -> Tensor:
            return self._get(f"h.{layer}.{part}")

        match part:
            case "resid_pre":
                return self._get(f"h.{layer - 1}.resid_post" if layer else "embed")
            case "ln_1.scale":
                return scale(get("resid_pre"))
            case "ln_1.out":
                return block.ln_1(get("resid_pre"))
            case "attn.qkv":
                return block.attn.c_attn(get("ln_1.out"))
            case "attn.q" | "attn.k" | "attn.v":
                which = "qkv".index(part[-1])
                new = split_heads(get("attn.qkv").chunk(3, -1)[which], self.config.n_head)
                if self._past is None or part == "attn.q":
                    return new
                return torch.cat([self._past.held(layer)[which - 1], new], dim=2)
            case "attn.scores":
                return plain.attention_scores(get("attn.q"), get("attn.k"))
            case "attn.weights":
                return fused.causal_weights(get("attn.scores"))
            case "attn.y":
                if {f"h.{layer}.attn.scores", f"h.{layer}.attn.weights"} & {*self._made, *self._changes}:
                    return get("attn.weights") @ get("attn.v")
                # Nobody has asked for the weights yet, and the kernel does without writing them down.
                return model.ops.causal_attention(get("attn.q"), get("attn.k"), get("attn.v"))
            case "attn.head_out":
                return head_out(get("attn.y"), block.attn.c_proj.weight)
            case "attn.out":
                return block.attn.c_proj(merge_heads(get("attn.y")))
            case "resid_mid":
                return get("resid_pre") + get("attn.out")
            case "ln_2.scale":
                return scale(get("resid_mid"))
            case "ln_2.out":
                return block.ln_2(get("resid_mid"))
            case "mlp.pre":
                return block.mlp.c_fc(get("ln_2.out"))
            case "mlp.post":
                return model.ops.gelu(get("mlp.pre"))
            case "mlp.out":
                return block.mlp.c_proj(get("mlp.post"))
            case "resid_post":
                return get("resid_mid") + get("mlp.out")
        raise AssertionError(part)

    def _first_not_finite(self) -> str:
        """Name the first activation that is not finite."""
        after = {f"h.{n - 1}.resid_post" if n else "embed": n for n in range(self.config.n_layer + 1)}
        first = next((name for name, n in after.items() if not self.stream(n).isfinite().all()), "ln_f.out")
        return (
            f"What the model computes of this text holds NaN or infinity, first in {first}. Its weights are damaged or "
            "come from a training that diverged: take an earlier checkpoint."
        )

    def _let_go(self) -> None:
        if self._kept is not None:
            parts = self._kept
            self._made = {n: t for n, t in self._made.items() if parse_name(n, self.config).part in parts}


def scale(x: Tensor, eps: float = 1e-5) -> Tensor:
    """Compute what LayerNorm divides by: x (..., C) -> (..., 1)."""
    return (x.var(-1, keepdim=True, correction=0) + eps).sqrt()


def head_out(y: Tensor, weight: Tensor) -> Tensor:
    """Compute each head's output to the stream: y (B, H, T, D), weight (C, C) of c_proj -> (B, H, T, C).

    c_proj reads all heads side by side; this is the same product head by head.
    Their sum, and c_proj's bias, is what attention adds.
    """
    columns = weight.unflatten(1, (y.size(1), -1))  # (C, H, D)
    return torch.einsum("bhtd,chd->bhtc", y, columns)
