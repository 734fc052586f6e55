"""Interventions: ablation and activation patching."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from nextword.lens.forward_pass import Intervention
from nextword.lens.labelled import Axis, Labelled, numbers
from nextword.lens.names import check_head, check_layer, check_text, from_the_front
from nextword.lens.texts import Ids
from nextword.lens.token_text import token_texts, vocabulary_of
from nextword.lens.tracing import Trace, trace
from nextword.model import GPT
from nextword.tokenizer.vocab import GPT2, Vocabulary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

How = Literal["zero", "mean"]


@dataclass(frozen=True)
class Effect:
    """The effect of an intervention: the logits before and after, (B, T, V) each."""

    before: Tensor
    logits: Tensor
    title: str
    vocabulary: Vocabulary | None = GPT2

    def next(self, n: int = 10, position: int = -1, text: int = 0) -> Labelled:
        """Give the next word's probabilities before and after, (2, n), of the likeliest in either.

        Raises ValueError for a text or a position that is not there.
        """
        check_text(text, self.before.size(0))
        position = from_the_front(position, self.before.size(1))
        before, after = (numbers(x[text, position].float().softmax(-1)) for x in (self.before, self.logits))
        best = np.argsort(-np.maximum(before, after), kind="stable")[:n]
        words = token_texts(best, self.vocabulary)
        values = np.stack([before[best], after[best]])
        shown = np.array([[f"{p:.1%}" for p in row] for row in values], dtype=object)
        return Labelled(
            values, (Axis("when", ["before", "after"]), Axis("next", words)), self.title, "probability", shown
        )

    def plot(self, file: str | Path | None = None) -> "Figure":
        """Plot the next word's probabilities before and after; see `Labelled.plot`."""
        return self.next().plot(file)

    def _repr_html_(self) -> str:
        return self.next()._repr_html_()


def ablate(
    model: GPT,
    ids: Ids,
    heads: Iterable[tuple[int, int]] = (),
    mlps: Iterable[int] = (),
    how: How = "zero",
) -> Effect:
    """Ablate heads, (layer, head), and MLPs.

    how: "zero", and they add nothing; "mean", and at every position they add
    what they add on average over all positions of these texts, so that what
    they always say stays and only what depends on the words is gone. That
    average holds later positions too: with it the logits at a position depend
    on words that come after, as they never do in GPT-2 itself. Raises
    ValueError for parts that are not there, and as `trace` does.
    """
    heads, mlps = [*heads], [*mlps]
    traced = trace(model, ids)
    return effect(traced, ablations(traced, heads, mlps, how), f"without {in_words(heads, mlps)}")


def patch(
    model: GPT,
    ids: Ids,
    source_ids: Ids,
    heads: Iterable[tuple[int, int]] = (),
    mlps: Iterable[int] = (),
    names: Iterable[str] = (),
    positions: Sequence[int] | None = None,
) -> Effect:
    """Activation patching: replace activations by those of another text.

    source_ids: the other text, with as many tokens; or as many other texts, if
    there are several. names: more of what the pass makes, as `Trace` names it
    ("h.3.resid_pre"). positions: only there, if given. Raises ValueError where
    the texts differ in number or length, for what is not there, and as `trace`
    does.

    Source: Meng et al., "Locating and Editing Factual Associations in GPT" (2022), section 2.
    """
    heads, mlps, names = [*heads], [*mlps], [*names]
    traced, source = trace(model, ids), trace(model, source_ids)
    (B, T), (other_B, other_T) = traced.ids.shape, source.ids.shape
    if other_B != B:
        raise ValueError(
            f"ids holds {B} and source_ids {other_B} side by side: each text needs another, from which it is patched."
        )
    if other_T != T:
        raise ValueError(
            f"the texts must be equally long, and have {T} and {other_T} tokens: "
            "what stands at a position of one is put at the same position of the other."
        )
    at = slice(None) if positions is None else [from_the_front(position, T) for position in positions]
    changes: dict[str, Intervention] = {}

    def put(name: str, chosen: list[int] | None) -> None:
        def change(made: Tensor) -> Tensor:
            new, other = made.clone(), source[name]
            # Positions are the last but one dimension of everything; heads, where there are any, the second.
            if chosen is None:
                new[..., at, :] = other[..., at, :]
            else:
                for head in chosen:
                    new[:, head, at] = other[:, head, at]
            return new

        changes[name] = change

    for name, chosen in by_layer(heads, traced).items():
        put(name, chosen)
    for layer in mlps:
        check_layer(layer, traced.config)
        put(f"h.{layer}.mlp.out", None)
    for name in names:
        put(name, None)
    what = ", ".join(part for part in (in_words(heads, mlps), *names) if part)
    return effect(traced, changes, f"with the other text's {what}")


def ablations(
    traced: Trace, heads: Iterable[tuple[int, int]], mlps: Iterable[int], how: How = "zero"
) -> dict[str, Intervention]:
    """Make the interventions that ablate these parts."""
    if how not in ("zero", "mean"):
        raise ValueError(f"how is zero or mean, not {how!r}.")

    def silence(part: Tensor) -> Tensor:
        """part (B, T, ...) -> the same everywhere."""
        return torch.zeros_like(part) if how == "zero" else part.mean((0, 1), keepdim=True).expand_as(part)

    def without(chosen: list[int]) -> Intervention:
        def change(y: Tensor) -> Tensor:
            y = y.clone()
            for head in chosen:
                y[:, head] = silence(y[:, head])
            return y

        return change

    changes = {name: without(chosen) for name, chosen in by_layer(heads, traced).items()}
    for layer in mlps:
        check_layer(layer, traced.config)
        changes[f"h.{layer}.mlp.out"] = silence
    return changes


def effect(traced: Trace, changes: dict[str, Intervention], title: str) -> Effect:
    """Run the pass again with these interventions. Raises ValueError if there are none."""
    if not changes:
        raise ValueError("There is nothing to change: name heads, [(layer, head)], or mlps, [layer].")
    return Effect(traced["logits"], traced.changed(changes)["logits"], title, vocabulary_of(traced.model))


def by_layer(heads: Iterable[tuple[int, int]], traced: Trace) -> dict[str, list[int]]:
    """Group heads by the activation of their layer: {"h.3.attn.y": [0, 5]}."""
    found: dict[str, list[int]] = {}
    for layer, head in heads:
        check_head(layer, head, traced.config)
        found.setdefault(f"h.{layer}.attn.y", []).append(head)
    return found


def in_words(heads: list[tuple[int, int]], mlps: list[int]) -> str:
    """Write the parts in a title: h.3 head 5, h.2 mlp."""
    return ", ".join([*(f"h.{layer} head {head}" for layer, head in heads), *(f"h.{layer} mlp" for layer in mlps)])
