"""The trace of a forward pass: every activation by its name, and views with labels."""

from collections.abc import Sequence

import torch

from nextword.lens import html
from nextword.lens.forward_pass import ForwardPass
from nextword.lens.labelled import Axis, Labelled, numbers
from nextword.lens.names import AFTER, BEFORE, IN_BLOCK, check_depth, check_head, check_text, parse_name
from nextword.lens.texts import Ids, as_rows, one_text
from nextword.lens.token_text import token_texts, vocabulary_of
from nextword.lens.unembed import TopTokens, guesses, top_tokens
from nextword.model import GPT


class Trace(ForwardPass):
    """A forward pass whose activations come as tensors, `trace[name]`, or with labels."""

    def labelled(self, name: str) -> Labelled:
        """Give `trace[name]` with labels."""
        kind = parse_name(name, self.config).kind
        values = numbers(self[name])
        axes = tuple(self._axis(axis, size) for axis, size in zip(kind.axes, values.shape, strict=True))
        return Labelled(values, axes, f"{name}: {kind.meaning}")

    def attention(self, layer: int, head: int, text: int = 0) -> Labelled:
        """Show where a head looks: (T, T), each row one token's attention weights.

        Raises ValueError for a head or a text that is not there.
        """
        check_head(layer, head, self.config)
        check_text(text, self.ids.size(0))
        weights = numbers(self[f"h.{layer}.attn.weights"][text, head])
        n_past = 0 if self._past is None else self._past.length
        before = [f"({i})" for i in range(n_past)]  # of the cache's tokens only the places are known
        tokens = self.tokens(text)
        return Labelled(
            weights,
            (Axis("who looks", tokens), Axis("at whom", [*before, *tokens])),
            f"attention of layer {layer}, head {head}",
        )

    def logit_lens(self, text: int = 0) -> Labelled:
        """Unembed the stream after each block: (n_layer + 1, T), the likeliest word and its probability.

        Raises ValueError for a text that is not there.
        """
        found = [self.top_tokens(n, text=text) for n in range(self.config.n_layer + 1)]
        chances = [numbers(one.logprob.exp().squeeze(-1)) for one in found]
        words = [token_texts(one.ids.squeeze(-1).tolist(), vocabulary_of(self.model)) for one in found]
        return guesses(chances, words, self.tokens(text))

    @torch.no_grad()
    def top_tokens(self, layer: int, n: int = 1, text: int = 0, positions: Sequence[int] | None = None) -> TopTokens:
        """Unembed the stream after so many blocks into the n likeliest tokens, at all positions or at these.

        Raises ValueError for a number of blocks or a text that is not there.
        """
        check_depth(layer, self.config)
        check_text(text, self.ids.size(0))
        at = slice(None) if positions is None else positions
        if layer == self.config.n_layer:
            return top_tokens(self.model, self["ln_f.out"][text, at], n)
        return top_tokens(self.model, self.model.ln_f(self.stream(layer)[text, at]), n)

    def tokens(self, text: int = 0) -> list[str]:
        """Give the tokens of one of the texts as words. Raises ValueError for a text that is not there."""
        check_text(text, self.ids.size(0))
        return token_texts(self.ids[text].tolist(), vocabulary_of(self.model))

    def _repr_html_(self) -> str:
        """List in a notebook all that may be asked for, computing none of it."""
        (B, T), L = self.ids.shape, self.config.n_layer
        title = f"A trace of {T} tokens through {L} {'block' if L == 1 else 'blocks'}"
        title += f", {B} texts side by side" if B > 1 else ""
        tokens = html.spans((token, str(id), "") for token, id in zip(self.tokens(), self.ids[0].tolist(), strict=True))
        hint = 'trace["h.0.attn.weights"] is a tensor; trace.labelled(name), trace.attention(layer, head) and '
        hint += "trace.logit_lens() show themselves."
        names = BEFORE | {f"h.{'0' if L == 1 else f'0 … h.{L - 1}'}.{part}": kind for part, kind in IN_BLOCK.items()}
        rows = [(name, f"({', '.join(kind.axes)})", kind.meaning) for name, kind in (names | AFTER).items()]
        return html.shown(title, tokens, html.sentence(hint), html.listing(rows))

    def _axis(self, name: str, size: int) -> Axis:
        if name in ("token", "query", "key") and self.ids.shape == (1, size):
            return Axis(name, self.tokens())
        if name == "vocabulary":
            return Axis(name, token_texts(range(size), vocabulary_of(self.model)))
        return Axis(name, [str(i) for i in range(size)])


def trace(model: GPT, ids: Ids) -> Trace:
    """Trace the forward pass over these ids; nothing is computed before it is asked for.

    ids: one text's, as a list or a tensor (T,), or several texts' (B, T). Raises
    ValueError for ids that the model cannot read. For a user model see
    `nextword.user_model.checked_gpt`.
    """
    return Trace(model, as_rows(ids, next(model.parameters()).device))


def logit_lens(model: GPT, ids: Ids) -> Labelled:
    """Unembed the residual stream after each block: (n_layer + 1, T), the likeliest word and its probability.

    The first row is what the embeddings alone would say, the last what the
    model says. ids: one text's. Raises ValueError for several, and as `trace`
    does. `plain.logit_lens` is the same, written out, and gives all the scores.

    Source: nostalgebraist, "interpreting GPT: the logit lens" (2020).
    """
    return trace(model, one_text(ids)).logit_lens()
