"""The table of the activations' names, in the order of their computation."""

import difflib
import re
from typing import NamedTuple

from nextword.config import GPTConfig


class Activation(NamedTuple):
    """A kind of activation: its dimensions and its meaning.

    axes: names of its dimensions, the first of them always the texts side by
    side. beside: nothing else is computed from it, so that changing it would
    change nothing.
    """

    axes: tuple[str, ...]
    meaning: str
    beside: bool = False


STREAM = ("text", "token", "number")
PER_HEAD = ("text", "head", "token", "number")
PAIRS = ("text", "head", "query", "key")

BEFORE = {"embed": Activation(STREAM, "what each token is, plus where it stands")}

IN_BLOCK = {
    "resid_pre": Activation(STREAM, "the stream as the block finds it"),
    "ln_1.scale": Activation(("text", "token", "one"), "what the norm before attention divides by", beside=True),
    "ln_1.out": Activation(STREAM, "what attention reads"),
    "attn.qkv": Activation(STREAM, "queries, keys and values of all heads, side by side"),
    "attn.q": Activation(PER_HEAD, "queries: what each token looks for"),
    "attn.k": Activation(PER_HEAD, "keys: what each token can be found by"),
    "attn.v": Activation(PER_HEAD, "values: what each token has to give"),
    "attn.scores": Activation(PAIRS, "how well each query matches each key, later ones too"),
    "attn.weights": Activation(PAIRS, "how much each token takes from each"),
    "attn.y": Activation(PER_HEAD, "what each head gathers: the values, averaged by the weights"),
    "attn.head_out": Activation(("text", "head", "token", "number"), "what each head adds to the stream", beside=True),
    "attn.out": Activation(STREAM, "what attention adds to the stream: all heads, and the bias"),
    "resid_mid": Activation(STREAM, "the stream between the block's halves"),
    "ln_2.scale": Activation(("text", "token", "one"), "what the norm before the MLP divides by", beside=True),
    "ln_2.out": Activation(STREAM, "what the MLP reads"),
    "mlp.pre": Activation(("text", "token", "neuron"), "the MLP's neurons before GELU"),
    "mlp.post": Activation(("text", "token", "neuron"), "the MLP's neurons after GELU"),
    "mlp.out": Activation(STREAM, "what the MLP adds to the stream"),
    "resid_post": Activation(STREAM, "the stream as the block leaves it"),
}
"""What each block makes; its name begins with the block's: h.3.attn.weights."""

AFTER = {
    "ln_f.scale": Activation(("text", "token", "one"), "what the last norm divides by", beside=True),
    "ln_f.out": Activation(STREAM, "what the head reads"),
    "logits": Activation(("text", "token", "vocabulary"), "the score of every token as the next one"),
}


class ActivationName(NamedTuple):
    """A name taken apart: the block (-1 before all, n_layer after all), and the part of it."""

    layer: int
    part: str
    kind: Activation


def all_names(config: GPTConfig) -> list[str]:
    """List the names of all activations, in the order of their computation."""
    blocks = [f"h.{layer}.{part}" for layer in range(config.n_layer) for part in IN_BLOCK]
    return [*BEFORE, *blocks, *AFTER]


def parse_name(name: str, config: GPTConfig) -> ActivationName:
    """Parse a name. Raises ValueError, with the name that may be meant, if there is none such."""
    if name in BEFORE:
        return ActivationName(-1, name, BEFORE[name])
    if name in AFTER:
        return ActivationName(config.n_layer, name, AFTER[name])
    match = re.fullmatch(r"h\.(\d+)\.(.+)", name)
    if match is None or match[2] not in IN_BLOCK:
        near = difflib.get_close_matches(name, all_names(config), n=1, cutoff=0.5)
        hint = (
            f"Did you mean {near[0]}?" if near else "There are embed, h.0.attn.weights, ..., logits: see trace.names."
        )
        raise ValueError(f"A forward pass makes nothing called {name!r}. {hint}")
    layer = int(match[1])
    check_layer(layer, config)
    return ActivationName(layer, match[2], IN_BLOCK[match[2]])


def check_layer(layer: int, config: GPTConfig) -> None:
    """Raise ValueError unless the model has this block."""
    if not 0 <= layer < config.n_layer:
        raise ValueError(f"layer {layer} is not there: the model's layers are 0 to {config.n_layer - 1}.")


def check_head(layer: int, head: int, config: GPTConfig) -> None:
    """Raise ValueError unless the model has this head."""
    check_layer(layer, config)
    if not 0 <= head < config.n_head:
        raise ValueError(f"head {head} is not there: each layer's heads are 0 to {config.n_head - 1}.")


def check_depth(n: int, config: GPTConfig) -> None:
    """Raise ValueError unless the model has so many blocks or more."""
    if not 0 <= n <= config.n_layer:
        raise ValueError(
            f"There is no stream after {n} blocks: there is one after 0 blocks, the embeddings, to {config.n_layer}."
        )


def check_text(text: int, n_texts: int) -> None:
    """Raise ValueError unless the batch has this text; -1 is the last one."""
    if not -n_texts <= text < n_texts:
        raise ValueError(f"text {text} is not there: {counted(n_texts, 'text')}, counted from 0, stand side by side.")


def check_token(token: int, config: GPTConfig) -> None:
    """Raise ValueError unless the vocabulary has this token."""
    if not 0 <= token < config.n_vocab:
        raise ValueError(f"token {token} is outside the vocabulary, 0 to {config.n_vocab - 1}.")


def from_the_front(position: int, n_tokens: int) -> int:
    """Count a position from the front; -1 is the last. Raises ValueError if the text has none such."""
    if not -n_tokens <= position < n_tokens:
        raise ValueError(
            f"position {position} is not there: the text has {counted(n_tokens, 'token')}, counted from 0."
        )
    return position % n_tokens


def counted(n: int, thing: str) -> str:
    """Write a count with its noun: 1 token, 2 tokens."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
