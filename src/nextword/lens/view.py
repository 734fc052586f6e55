"""One prompt, seen from inside: what is worth showing of it, whoever shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nextword.foreign import ForeignGPT
from nextword.lens.attribution import place_in
from nextword.lens.labelled import Axis, Labelled
from nextword.lens.names import check_head, check_layer
from nextword.lens.surprising import surprise_of
from nextword.lens.tracing import Ids, Trace, as_rows, subject
from nextword.lens.wording import token_text
from nextword.model import GPT

WORDS = 3  # that are named in one place
COLUMNS = 16  # positions of which the layers' guesses are shown: the last ones up to the one that is asked about


class Word(NamedTuple):
    """A token and how likely it was."""

    text: str
    p: float


def percent(p: float) -> str:
    """A chance in words: 12.5%, and <0.1% for what is nearly nothing but not nothing."""
    return "<0.1%" if 0.0 < p < 0.0005 else f"{p:.1%}"


class Token(NamedTuple):
    """A token of the prompt; how likely it was and what was likelier, unless it is the first."""

    text: str
    p: float | None
    instead: list[Word]


class Look(NamedTuple):
    """The earlier token that a head takes most from, and how much."""

    layer: int
    head: int
    at: int
    weight: float


@dataclass(frozen=True)
class View:
    """What there is to see.

    position: the token that is asked about. columns: the positions whose
    layers are told; layers[i][j]: what would be said after i blocks at
    columns[j]. looks: heads, and what they look at from `position`, those that
    look most at one token first. attention (T, T): that of `head`.
    """

    tokens: list[Token]
    perplexity: float
    position: int
    columns: list[int]
    layers: list[list[list[Word]]]
    looks: list[Look]
    head: tuple[int, int]
    attention: Labelled

    @property
    def next(self) -> list[Word]:
        """What the model would say after the token that is asked about."""
        return self.layers[-1][self.columns.index(self.position)]

    @property
    def lens(self) -> Labelled:
        """The layers' guesses as an array of chances, with the words."""
        words = np.array([[cell[0].text for cell in row] for row in self.layers], dtype=object)
        chances = np.array([[cell[0].p for cell in row] for row in self.layers])
        tokens = [self.tokens[at].text for at in self.columns]
        return Labelled(
            chances,
            (Axis("after", layer_names(len(self.layers))), Axis("token", tokens)),
            "what each layer would say next",
            "probability",
            words,
        )


def view(
    model: GPT | ForeignGPT, ids: Ids, position: int = -1, layer: int | None = None, head: int | None = None
) -> View:
    """Look inside at one text. Raises ValueError for a place that is not there, and as `trace` does.

    Without a head that is chosen which looks most at one earlier token, of the
    layer or of all.
    """
    rows = as_rows(ids, next(model.parameters()).device)
    traced = Trace(subject(model, rows), rows, kept=())
    at = place_in(traced, position)
    if layer is not None:
        check_layer(layer, traced.config)
    if head is not None:
        check_head(layer or 0, head, traced.config)
    columns = [*range(max(0, at - COLUMNS + 1), at + 1)]
    tokens, perplexity = read_tokens(traced)
    looks = find_looks(traced, at, layer)
    chosen = (looks[0].layer, looks[0].head) if layer is None or head is None else (layer, head)
    return View(
        tokens,
        perplexity,
        at,
        columns,
        [said(traced, n, columns) for n in range(traced.config.n_layer + 1)],
        looks,
        chosen,
        traced.attention(*chosen),
    )


def read_tokens(traced: Trace) -> tuple[list[Token], float]:
    """The prompt's tokens with their chances, and the perplexity of all of them."""
    ids, n_vocab = traced.ids[0], traced.config.n_vocab
    found = surprise_of(traced.model, traced["ln_f.out"][0, :-1], ids[1:], WORDS)
    tokens = [Token(token_text(int(ids[0]), n_vocab), None, [])]
    for id, logprob, best, values in zip(
        ids[1:].tolist(), found.logprob, found.top_ids, found.top_logprob, strict=True
    ):
        tokens.append(Token(token_text(id, n_vocab), logprob.exp().item(), words(best, values.exp(), n_vocab)))
    return tokens, found.perplexity


@torch.no_grad()
def said(traced: Trace, layer: int, columns: Sequence[int]) -> list[list[Word]]:
    """What would be said after so many blocks, at these positions."""
    model = traced.model
    logits = model.head(model.ln_f(traced.stream(layer)[0, columns]))  # (columns, V)
    best = logits.float().softmax(-1).topk(min(WORDS, logits.size(-1)))
    return [words(ids, p, logits.size(-1)) for ids, p in zip(best.indices, best.values, strict=True)]


def find_looks(traced: Trace, at: int, layer: int | None) -> list[Look]:
    """What each head looks at from a position, those that look most at one token first.

    The first token and the one itself do not count where there are others:
    heads with nothing to look for look there.
    """
    others = slice(1, at) if at > 1 else slice(0, at + 1)
    looks = []
    for n in range(traced.config.n_layer) if layer is None else [layer]:
        weights = traced[f"h.{n}.attn.weights"][0, :, at, others]  # (H, the others)
        best = weights.max(-1)
        for head, (weight, where) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
            looks.append(Look(n, head, where + (others.start or 0), weight))
    return sorted(looks, key=lambda look: -look.weight)


def words(ids: Tensor, values: Tensor, n_vocab: int) -> list[Word]:
    """Tokens with their chances."""
    return [Word(token_text(id, n_vocab), p) for id, p in zip(ids.tolist(), values.tolist(), strict=True)]


def layer_names(n: int) -> list[str]:
    """What the rows of the logit lens are called: the embedding, then each block."""
    return ["embed", *(f"h.{layer}" for layer in range(n - 1))]
