"""The MLPs' neurons: the tokens that each fires on, and those it promotes."""

import numpy as np
import torch

from nextword.lens.labelled import Axis, Labelled, numbers
from nextword.lens.names import check_layer, from_the_front
from nextword.lens.texts import Ids, one_text
from nextword.lens.token_text import token_texts, vocabulary_of
from nextword.lens.tracing import trace
from nextword.model import GPT, GPTConfig


def neuron(model: GPT, ids: Ids, layer: int, index: int) -> Labelled:
    """Give a neuron's activation at each token: (B, T), after GELU. Its `top()` are the tokens that it fires on.

    Of one text (T,). Raises ValueError for a neuron that is not there, and as
    `trace` does.
    """
    traced = trace(model, ids)
    check_neuron(layer, index, traced.config)
    values = numbers(traced[f"h.{layer}.mlp.post"][..., index])
    title = f"neuron {index} of layer {layer}"
    if len(values) == 1:
        return Labelled(values[0], (Axis("token", traced.tokens()),), title, "activation")
    texts, tokens = ([str(i) for i in range(size)] for size in values.shape)
    words = np.array([traced.tokens(text) for text in range(len(values))], dtype=object)
    return Labelled(values, (Axis("text", texts), Axis("token", tokens)), title, "activation", words)


def top_neurons(model: GPT, ids: Ids, layer: int, position: int = -1, n: int = 10) -> Labelled:
    """Find the neurons of a layer with the largest activations at one token: (n,).

    ids: one text's. Raises ValueError for several, for a layer or a position
    that is not there, and as `trace` does.
    """
    traced = trace(model, one_text(ids))
    check_layer(layer, traced.config)
    at = from_the_front(position, traced.ids.size(1))
    values, order = traced[f"h.{layer}.mlp.post"][0, at].sort(descending=True, stable=True)
    labels = [f"neuron {index}" for index in order[:n].tolist()]
    return Labelled(
        numbers(values[:n]),
        (Axis("neuron", labels),),
        f"neurons of layer {layer} at “{traced.tokens()[at]}”",
        "activation",
    )


@torch.no_grad()
def neuron_words(model: GPT, layer: int, index: int, n: int = 10) -> Labelled:
    """Find the tokens that a neuron promotes: (n,), the most first.

    What it writes into the stream, compared with every token's embedding by way
    of the last norm's weights; what later layers make of it is left out. Raises
    ValueError for a neuron that is not there.

    Source: Geva et al., "Transformer Feed-Forward Layers Build Predictions by
    Promoting Concepts in the Vocabulary Space" (2022), section 3.
    """
    check_neuron(layer, index, model.config)
    written = model.block(layer).mlp.c_proj.weight[:, index]  # (C,)
    scores = model.head((written - written.mean()) * model.ln_f.weight)  # (V,)
    values, order = scores.sort(descending=True, stable=True)
    words = token_texts(order[:n].tolist(), vocabulary_of(model))
    return Labelled(
        numbers(values[:n]), (Axis("token", words),), f"what neuron {index} of layer {layer} says", "logit, unscaled"
    )


def check_neuron(layer: int, index: int, config: GPTConfig) -> None:
    """Raise ValueError unless the model has this neuron."""
    check_layer(layer, config)
    if not 0 <= index < 4 * config.n_embd:
        raise ValueError(f"neuron {index} is not there: each MLP's neurons are 0 to {4 * config.n_embd - 1}.")
