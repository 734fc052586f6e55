"""Everything that a forward pass makes, by name."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from nextword.foreign import ForeignGPT, as_gpt
from nextword.lens.labelled import Axis, Labelled
from nextword.lens.names import all_names, check_head, check_layer, place_of
from nextword.lens.wording import token_texts
from nextword.model import GPT, KVCache, plain
from nextword.model.attention import merge_heads, split_heads
from nextword.model.block import Block
from nextword.model.gpt import check_ids

Ids = Tensor | Sequence[int]
"""One text's ids, (T,) or a list, or several texts' (B, T)."""

Change = Callable[[Tensor], Tensor]
"""What is to stand in the place of what a forward pass makes; the same shape."""


class Trace:
    """A forward pass, taken apart: `trace["h.3.attn.weights"]` is computed when it is first asked for, and kept.

    `trace.names` lists what there is, `names.py` says what it means. The
    tensors are where the model is, in its dtype, and without gradients; dropout
    is off, whatever the model's mode. changes: what to put in the place of
    what is made under these names; all that follows is computed from that.
    kept: the parts to keep (such as "attn.q"), if not all; the stream between
    the blocks always is. past: a cache with what the model has read before
    these ids, if they are the last ones of a text; it stays as it is, and its
    tokens are among the keys. Raises as `trace` does.
    """

    def __init__(
        self,
        model: GPT,
        ids: Tensor,
        changes: Mapping[str, Change] | None = None,
        kept: Collection[str] | None = None,
        past: KVCache | None = None,
    ):
        check_ids(ids, model.config, past)
        self.model, self.config, self.ids = model, model.config, ids
        self._changes, self._past = dict(changes or {}), past
        for name in self._changes:
            if place_of(name, self.config).kind.beside:
                instead = "attn.y" if name.endswith("head_out") else "out"
                raise ValueError(f"Nothing is computed from {name}, so changing it changes nothing: change {instead}.")
        self._kept = None if kept is None else {*kept, "resid_pre", "resid_post"}
        self._made: dict[str, Tensor] = {}

    @property
    def names(self) -> list[str]:
        """All that can be asked for, in the order in which it is made."""
        return all_names(self.config)

    @torch.no_grad()
    def __getitem__(self, name: str) -> Tensor:
        """What the forward pass makes under this name. Raises ValueError, naming the near miss, if it makes none."""
        last = place_of(name, self.config).layer
        for layer in range(last):  # block by block, or the way back to the embedding would be one deep recursion
            self._get(f"h.{layer}.resid_post")
            self._let_go()
        found = self._get(name)
        self._let_go()
        return found

    def changed(self, changes: Mapping[str, Change]) -> "Trace":
        """The same pass with something changed; what comes before the first change is not computed anew."""
        other = Trace(self.model, self.ids, {**self._changes, **changes}, self._kept, self._past)
        first = min((place_of(name, self.config).layer for name in changes), default=self.config.n_layer + 1)
        other._made = {name: made for name, made in self._made.items() if place_of(name, self.config).layer < first}
        return other

    def know(self, name: str, value: Tensor) -> None:
        """Take what this pass makes under a name from somebody who has computed it already."""
        place_of(name, self.config)
        self._made[name] = value

    def stream(self, layer: int) -> Tensor:
        """The residual stream after so many blocks, 0 to n_layer: (B, T, C)."""
        if layer == self.config.n_layer:
            return self[f"h.{layer - 1}.resid_post"]
        return self[f"h.{layer}.resid_pre"]

    def labelled(self, name: str) -> Labelled:
        """The same as `trace[name]`, as numbers with labels."""
        kind = place_of(name, self.config).kind
        values = numbers(self[name])
        axes = tuple(self._axis(axis, size) for axis, size in zip(kind.axes, values.shape, strict=True))
        return Labelled(values, axes, f"{name}: {kind.meaning}")

    def attention(self, layer: int, head: int, text: int = 0) -> Labelled:
        """Where a head looks: (T, T), each row how one token shares its attention among itself and those before."""
        check_head(layer, head, self.config)
        weights = numbers(self[f"h.{layer}.attn.weights"][text, head])
        n_past = 0 if self._past is None else self._past.length
        before = [f"({i})" for i in range(n_past)]  # of the cache's tokens only the places are known
        tokens = self.tokens(text)
        return Labelled(
            weights,
            (Axis("who looks", tokens), Axis("at whom", [*before, *tokens])),
            f"attention of layer {layer}, head {head}",
        )

    @torch.no_grad()
    def logit_lens(self, text: int = 0) -> Labelled:
        """What each layer would say next: (n_layer + 1, T), the likeliest word of each and how likely it is."""
        n_layer = self.config.n_layer
        p, said = [], []
        for layer in range(n_layer + 1):
            best = self.said(layer, text).max(-1)
            p.append(numbers(best.values))
            said.append(token_texts(best.indices.tolist(), self.config.n_vocab))
        layers = ["embed", *(f"h.{layer}" for layer in range(n_layer))]
        return Labelled(
            np.stack(p),
            (Axis("after", layers), Axis("token", self.tokens(text))),
            "what each layer would say next",
            "probability",
            np.array(said, dtype=object),
        )

    @torch.no_grad()
    def said(self, layer: int, text: int = 0) -> Tensor:
        """The probabilities that the head would give after so many blocks: (T, V)."""
        if layer != self.config.n_layer:
            check_layer(layer, self.config)
        x = self.model.ln_f(self.stream(layer)[text])  # (T, C)
        return self.model.head(x).float().softmax(-1)

    def tokens(self, text: int = 0) -> list[str]:
        """The tokens of one of the texts, as they are called in tables."""
        return token_texts(self.ids[text].tolist(), self.config.n_vocab)

    def _axis(self, name: str, size: int) -> Axis:
        if name in ("token", "query", "key") and self.ids.shape == (1, size):
            return Axis(name, self.tokens())
        if name == "vocabulary":
            return Axis(name, token_texts(range(size), self.config.n_vocab))
        return Axis(name, [str(i) for i in range(size)])

    def _get(self, name: str) -> Tensor:
        if name not in self._made:
            layer, part, _ = place_of(name, self.config)
            made = self._make(layer, part)
            if name in self._changes:
                changed = self._changes[name](made)
                if changed.shape != made.shape:
                    raise ValueError(f"{name} has the shape {tuple(made.shape)}, and was given {tuple(changed.shape)}.")
                made = changed
            self._made[name] = made
        return self._made[name]

    def _make(self, layer: int, part: str) -> Tensor:
        """One line for each name: what it is made of, which is got in the same way."""
        model = self.model
        match part:
            case "embed":
                T = self.ids.size(1)
                positions = torch.arange(T, device=self.ids.device) if self._past is None else self._past.place(T)
                return model.wte(self.ids) + model.wpe(positions)
            case "ln_f.scale":
                return scale(self.stream(layer))
            case "ln_f.out":
                return model.ln_f(self.stream(layer))
            case "logits":
                return model.head(self._get("ln_f.out"))
        block = block_of(model, layer)

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
                return causal_softmax(get("attn.scores"))
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

    def _let_go(self) -> None:
        if self._kept is not None:
            parts = self._kept
            self._made = {n: t for n, t in self._made.items() if place_of(n, self.config).part in parts}


def trace(model: GPT | ForeignGPT, ids: Ids) -> Trace:
    """Take the forward pass over these ids apart; nothing is computed before it is asked for.

    ids: one text's, as a list or a tensor (T,), or several texts' (B, T). A
    model of a user's own class is taken for one of ours with its weights.
    Raises ValueError for ids that the model cannot read, and where such a class
    computes something else than GPT-2 does.
    """
    rows = as_rows(ids, next(model.parameters()).device)
    return Trace(subject(model, rows), rows)


def subject(model: GPT | ForeignGPT, ids: Tensor) -> GPT:
    """The model as one of ours. Raises ValueError for one of a user's own that computes something else on these ids."""
    if isinstance(model, GPT):
        return model
    gpt = as_gpt(model)
    training = model.training
    model.eval()
    with torch.no_grad():
        own, ours = model(ids).float(), gpt(ids)
    model.train(training)
    apart = (own - ours).abs().max().item()
    if not apart <= 1e-2 * max(1.0, ours.abs().max().item()):
        raise ValueError(
            f"{type(model.inner).__name__} gives logits that are up to {apart:.2g} away from those of GPT-2 with its "
            "weights, so what happens inside cannot be told by name. `nextword learn doctor` finds what differs."
        )
    return gpt


def block_of(model: GPT, layer: int) -> Block:
    """One of the model's blocks."""
    return cast(Block, model.h[layer])


def as_rows(ids: Ids, device: torch.device | str = "cpu") -> Tensor:
    """Ids as the model reads them: a list or (T,) becomes (1, T), and (B, T) stays."""
    rows = ids if isinstance(ids, Tensor) else torch.tensor(ids, dtype=torch.int64)
    return (rows.unsqueeze(0) if rows.dim() == 1 else rows).to(device)


def causal_softmax(scores: Tensor) -> Tensor:
    """`plain.causal_weights`, in fewer passes over the memory: scores (B, H, T, S) -> (B, H, T, S)."""
    T, S = scores.size(-2), scores.size(-1)
    later = torch.ones(T, S, dtype=torch.bool, device=scores.device).triu(S - T + 1)
    return scores.masked_fill(later, -math.inf).softmax(-1)


def scale(x: Tensor, eps: float = 1e-5) -> Tensor:
    """What LayerNorm divides by: x (..., C) -> (..., 1)."""
    return (x.var(-1, keepdim=True, correction=0) + eps).sqrt()


def head_out(y: Tensor, weight: Tensor) -> Tensor:
    """What each head adds to the stream: y (B, H, T, D) and c_proj's weight (C, C) -> (B, H, T, C).

    c_proj reads all heads side by side; this is the same product head by head.
    Their sum, and c_proj's bias, is what attention adds.
    """
    columns = weight.unflatten(1, (y.size(1), -1))  # (C, H, D)
    return torch.einsum("bhtd,chd->bhtc", y, columns)


def numbers(x: Tensor) -> "np.ndarray[Any, np.dtype[np.floating[Any]]]":
    """A tensor's numbers, on the CPU, in float32 unless they are more exact."""
    x = x.detach()
    return (x if x.dtype == torch.float64 else x.float()).cpu().numpy()
