"""The view of one prompt from inside, for the terminal, a picture or a page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from nextword.evaluate import in_digits
from nextword.lens import html
from nextword.lens.labelled import Axis, Labelled
from nextword.lens.names import check_head, check_layer, from_the_front
from nextword.lens.surprisal import surprisal_of
from nextword.lens.texts import Ids, one_text
from nextword.lens.token_text import token_text, vocabulary_of
from nextword.lens.tracing import Trace
from nextword.lens.unembed import guesses
from nextword.model import GPT
from nextword.tokenizer.vocab import Vocabulary

WORDS = 3  # that are named in one place
COLUMNS = 16  # positions of which the layers' guesses are shown: the last ones up to the one that is asked about
MOST_BITS = 12.0  # of surprise: what surprises more is no redder, here as on the page that `nextword serve` shows


class Word(NamedTuple):
    """A token and its probability."""

    text: str
    p: float


def percent(p: float, digits: int = 1) -> str:
    """Write a probability: 12.5%, or <0.1% for nearly nothing."""
    least = 10.0**-digits
    return f"<{least:.{digits}f}%" if 0.0 < 100 * p < least / 2 else f"{p:.{digits}%}"


class PromptToken(NamedTuple):
    """A token of the prompt, its logprob, and the likeliest in its place; none for the first."""

    text: str
    logprob: float | None
    instead: list[Word]

    @property
    def p(self) -> float | None:
        """Its probability."""
        return None if self.logprob is None else math.exp(self.logprob)

    @property
    def bits(self) -> float | None:
        """Its surprisal in bits."""
        return None if self.logprob is None else -self.logprob / math.log(2)

    @property
    def in_words(self) -> str:
        """Its probability and the likeliest in its place, in words."""
        if self.p is None:
            return "the first token: nothing came before it"
        return f"{percent(self.p)}; likeliest: {', '.join(f'{word.text} {percent(word.p)}' for word in self.instead)}"

    @property
    def redness(self) -> float:
        """Its redness, 0 to 1: the redder, the more surprising."""
        return min((self.bits or 0.0) / MOST_BITS, 1.0)


class Look(NamedTuple):
    """The earlier token with a head's largest attention weight."""

    layer: int
    head: int
    at: int
    weight: float


@dataclass(frozen=True)
class View:
    """All there is to see of a prompt.

    position: the token that is asked about. columns: the positions whose
    layers are told; layers[i][j]: what would be said after i blocks at
    columns[j]. looks: heads, and what they look at from `position`, those that
    look most at one token first. attention (T, T): that of `head`.
    """

    tokens: list[PromptToken]
    perplexity: float
    position: int
    columns: list[int]
    layers: list[list[list[Word]]]
    looks: list[Look]
    head: tuple[int, int]
    attention: Labelled

    @property
    def summary(self) -> str:
        """The perplexity in words."""
        if len(self.tokens) == 1:
            return "one token, and nothing came before it"
        return f"perplexity {in_digits(self.perplexity)}"

    def window(self, size: int) -> range:
        """Choose so many positions, those up to the token in question or the first."""
        last = min(max(self.position + 1, size), len(self.tokens))
        return range(max(0, last - size), last)

    def told(self, window: range) -> str:
        """Write which tokens are shown; nothing if all are."""
        return "" if len(window) == len(self.tokens) else f", tokens {window[0]} to {window[-1]} of {len(self.tokens)}"

    def attention_in(self, window: range) -> Labelled:
        """Cut the attention to these tokens."""
        inside = slice(window.start, window.stop)
        axes = tuple(Axis(axis.name, axis.labels[inside]) for axis in self.attention.axes)
        title = f"{self.attention.title}{self.told(window)}"
        return Labelled(self.attention.values[inside, inside], axes, title, self.attention.unit)

    @property
    def next(self) -> list[Word]:
        """The likeliest words after the token in question."""
        return self.layers[-1][self.columns.index(self.position)]

    @property
    def lens(self) -> Labelled:
        """The logit lens as a labelled array."""
        chances = [[cell[0].p for cell in row] for row in self.layers]
        words = [[cell[0].text for cell in row] for row in self.layers]
        return guesses(chances, words, [self.tokens[at].text for at in self.columns])

    def _repr_html_(self) -> str:
        """Show it in a notebook: the text by its surprise, each layer's words, and where the head looks."""
        text = html.spans((token.text, token.in_words, html.shade(token.redness, 1.0)) for token in self.tokens)
        next = "; ".join(f"“{word.text}” {percent(word.p)}" for word in self.next)
        said = html.sentence(f"After “{self.tokens[self.position].text}” comes: {next}")
        pattern = self.attention_in(self.window(html.MOST))
        return html.shown(self.summary, text, said, self.lens._repr_html_(), pattern._repr_html_())


def view(model: GPT, ids: Ids, position: int = -1, layer: int | None = None, head: int | None = None) -> View:
    """Look inside the model at one text.

    Without a head, the one that looks most at one earlier token is chosen, of
    the layer or of all. Raises ValueError for several texts, for a place that
    is not there, for a head without a layer, and as `trace` does.
    """
    rows = one_text(ids).to(next(model.parameters()).device)
    traced = Trace(model, rows, kept=())
    at = from_the_front(position, rows.size(1))
    if head is not None:
        if layer is None:
            raise ValueError(f"head {head} needs a layer, since each layer has such a head.")
        check_head(layer, head, traced.config)
    elif layer is not None:
        check_layer(layer, traced.config)
    columns = [*range(max(0, at - COLUMNS + 1), at + 1)]
    tokens, perplexity = read_tokens(traced)
    looks = find_looks(traced, at, layer)
    chosen = (looks[0].layer, looks[0].head) if layer is None or head is None else (layer, head)
    return View(
        tokens,
        perplexity,
        at,
        columns,
        [cells(traced, n, columns) for n in range(traced.config.n_layer + 1)],
        looks,
        chosen,
        traced.attention(*chosen),
    )


def read_tokens(traced: Trace) -> tuple[list[PromptToken], float]:
    """Read the prompt's tokens with their probabilities, and the perplexity of all."""
    ids, vocabulary = traced.ids[0], vocabulary_of(traced.model)
    found = surprisal_of(traced.model, traced["ln_f.out"][0, :-1], ids[1:], WORDS)
    tokens = [PromptToken(token_text(int(ids[0]), vocabulary), None, [])]
    for id, logprob, best, values in zip(
        ids[1:].tolist(), found.logprob, found.top_ids, found.top_logprob, strict=True
    ):
        tokens.append(PromptToken(token_text(id, vocabulary), logprob.item(), words(best, values, vocabulary)))
    return tokens, found.perplexity


def cells(traced: Trace, n: int, columns: Sequence[int]) -> list[list[Word]]:
    """Unembed the stream after n blocks, at these positions."""
    found = traced.top_tokens(n, WORDS, positions=columns)
    return [
        words(ids, logprob, vocabulary_of(traced.model)) for ids, logprob in zip(found.ids, found.logprob, strict=True)
    ]


def find_looks(traced: Trace, at: int, layer: int | None) -> list[Look]:
    """Find the token each head attends to from a position, the largest weight first.

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


def words(ids: Tensor, logprob: Tensor, vocabulary: Vocabulary | None) -> list[Word]:
    """Pair tokens with their probabilities."""
    return [
        Word(token_text(id, vocabulary), math.exp(ln_p))
        for id, ln_p in zip(ids.tolist(), logprob.tolist(), strict=True)
    ]
