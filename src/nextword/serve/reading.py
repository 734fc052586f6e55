"""Keep texts that the model has read for the page, and reuse a common beginning."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from nextword.decode.checks import not_finite
from nextword.lens import Trace
from nextword.lens.unembed import ROWS, TopTokens, likeliest, logsumexp
from nextword.model import GPT, KVCache

TEXTS = 4  # that are kept; each is 115 MB for GPT-2 124M, if it is as long as it can be
LIKELIEST = 5  # words that are kept of what each layer would say


class Reading:
    """One text that was read: its residual stream, keys and values, and answers so far.

    Nothing that GPT-2 computes at a position depends on later ones, so all of
    this holds for the text's beginnings, too.
    """

    def __init__(self, model: GPT):
        config, like = model.config, model.wte.weight
        self.ids: list[int] = []
        self.cache = KVCache(config, dtype=like.dtype, device=like.device)
        # Memory that is not written to is not used, so room for the longest text costs nothing.
        self.stream = like.new_empty(config.n_layer + 1, config.n_ctx, config.n_embd)
        shape = (config.n_layer + 1, config.n_ctx)
        self.top_ids = like.new_empty(*shape, min(LIKELIEST, config.n_vocab), dtype=torch.int64)
        self.top_logprob = like.new_empty(*shape, min(LIKELIEST, config.n_vocab), dtype=torch.float32)
        self.total = like.new_empty(*shape, dtype=torch.float32)  # of which a logit is taken to give a logprob
        self.has_top = torch.zeros(shape, dtype=torch.bool)

    def branch(self, length: int) -> "Reading":
        """Copy its first tokens, to be continued otherwise."""
        other = copy.copy(self)
        other.ids, other.cache = self.ids[:length], self.cache.branch(length)
        for name in ("stream", "top_ids", "top_logprob", "total"):
            new = torch.empty_like(getattr(self, name))
            new[:, :length] = getattr(self, name)[:, :length]
            setattr(other, name, new)
        other.has_top = self.has_top.clone()
        other.has_top[:, length:] = False
        return other


class ReadText:
    """A text to be asked about: a reading, or a beginning of one."""

    def __init__(self, model: GPT, reading: Reading, length: int):
        self._model, self._reading, self.length = model, reading, length
        self.ids = reading.ids[:length]

    @property
    def n_layer(self) -> int:
        """The model's number of layers."""
        return self._model.config.n_layer

    def next(self) -> Tensor:
        """Compute the logits of the next token: (V,)."""
        x = self._reading.stream[-1, self.length - 1]
        return finite(self._model.head(self._model.ln_f(x)).float())

    def top_tokens(self, layer: int, first: int, last: int) -> TopTokens:
        """Find a layer's top tokens at the positions from first to before last."""
        kept = self._reading
        missing = first + (~kept.has_top[layer, first:last]).nonzero().squeeze(-1)
        for at in missing.split(ROWS) if len(missing) else ():
            logits = self._model.head(self._model.ln_f(kept.stream[layer, at])).float()  # (ROWS, V)
            total = finite(logsumexp(logits))
            best = likeliest(logits, total, LIKELIEST)
            kept.top_ids[layer, at], kept.top_logprob[layer, at] = best.ids, best.logprob
            kept.total[layer, at] = total.squeeze(-1)
            kept.has_top[layer, at] = True
        return TopTokens(kept.top_ids[layer, first:last], kept.top_logprob[layer, first:last])

    def surprise(self) -> tuple[Tensor, TopTokens]:
        """Compute ln p of every token but the first (T - 1,), and the top tokens there."""
        last = self.length - 1
        top = self.top_tokens(self.n_layer, 0, last)
        following = torch.tensor(self.ids[1:], dtype=torch.int64, device=top.ids.device)
        x = self._model.ln_f(self._reading.stream[-1, :last])  # (T - 1, C)
        own = (x * self._model.wte(following)).sum(-1).float() - self._reading.total[-1, :last]
        # Where the token is among the likeliest, its number is there already, and the two must not differ by a digit.
        is_it = top.ids == following.unsqueeze(-1)
        own = torch.where(is_it.any(-1), top.logprob.masked_fill(~is_it, 0.0).sum(-1), own)
        return own, top

    def trace(self) -> Trace:
        """Trace the text, from the residual stream that is kept; other activations are not kept."""
        ids = torch.tensor([self.ids], device=self._reading.stream.device)
        traced = Trace(self._model, ids, kept=())
        for layer in range(self.n_layer):
            before, after = self._reading.stream[layer : layer + 2, : self.length].unsqueeze(1)  # (1, T, C) each
            traced.know(f"h.{layer}.resid_pre", before)
            traced.know(f"h.{layer}.resid_post", after)
        return traced

    def trace_of_the_end(self) -> Trace:
        """Trace the last token alone, after what was read before it."""
        ids = torch.tensor([self.ids[-1:]], device=self._reading.stream.device)
        return Trace(self._model, ids, past=self._reading.cache.view(self.length - 1))


class Reader:
    """Reads texts, and keeps the last few. A text that continues or shares one of them is read from there on."""

    def __init__(self, model: GPT, n_texts: int = TEXTS):
        self.model = model
        self._n_texts = n_texts
        self._kept: list[Reading] = []  # the one that was asked for last stands last

    @torch.no_grad()
    def read(self, ids: Sequence[int]) -> ReadText:
        """Read a text, as far as it is new. Raises NotFiniteError, and ValueError for ids that it cannot read."""
        wanted = [*ids]
        shared, best = max(((common(one.ids, wanted), n) for n, one in enumerate(self._kept)), default=(0, -1))
        if shared == len(wanted):  # known from its first to its last token
            reading = self._kept.pop(best)
        else:
            if shared and shared == len(self._kept[best].ids):
                reading = self._kept.pop(best)  # what it was is the beginning of what it becomes
            elif shared:
                reading = self._kept[best].branch(shared)
            else:
                reading = Reading(self.model)
            try:
                self._go_on(reading, wanted[shared:])
            finally:
                self._kept = self._kept[-self._n_texts + 1 :] if self._n_texts > 1 else []
        self._kept.append(reading)
        return ReadText(self.model, reading, len(wanted))

    def _go_on(self, reading: Reading, ids: list[int]) -> None:
        start, end = len(reading.ids), len(reading.ids) + len(ids)
        new = torch.tensor([ids], device=reading.stream.device)
        for layer, x in enumerate(self.model.residual_stream(new, reading.cache)):  # (1, T, C)
            reading.stream[layer, start:end] = x[0]
        finite(reading.stream[-1, start:end])
        reading.ids += ids


def finite(x: Tensor) -> Tensor:
    """The same. Raises NotFiniteError where NaN or infinity is in it."""
    if not x.isfinite().all():
        raise not_finite(bool(x.isnan().any()))
    return x


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Count the tokens that two texts have in common at the beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
