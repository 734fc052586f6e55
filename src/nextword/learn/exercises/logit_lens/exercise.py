"""The logit lens: what each layer would say next."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import CONFIG, numbers, token_ids
from nextword.model import GPT, plain


def lensed(dropout: float = 0.0) -> GPT:
    """The fixture's model with random numbers everywhere, on the functions written out."""
    with torch.random.fork_rng(devices=[]):
        model = GPT(replace(CONFIG, dropout=dropout), ops=plain)
    with torch.no_grad():
        for seed, (name, parameter) in enumerate(model.named_parameters()):
            parameter.copy_(0.3 * numbers(*parameter.shape, seed=seed) + ("ln_" in name and name.endswith("weight")))
    return model


def asked(solution: Any, model: GPT, ids: Tensor) -> Tensor:
    """What the lens says, as one tensor: a list of the layers' logits is as good."""
    found = solution.logit_lens(model, ids)
    return torch.stack(tuple(found)) if isinstance(found, list | tuple) else found


def shape(solution: Any) -> Any:
    """The shape of what comes back for two texts of five tokens."""
    return tuple(asked(solution, lensed().eval(), token_ids(2, 5)).shape)


def embeddings(solution: Any) -> Any:
    """Logits of the first five tokens, by the embeddings alone, after one token."""
    return asked(solution, lensed().eval(), token_ids(1, 1))[0, ..., :5]


def all_layers(solution: Any) -> Any:
    """Everything, for two texts of five tokens."""
    return asked(solution, lensed().eval(), token_ids(2, 5))


def in_training(solution: Any) -> Any:
    """A model in training mode, with dropout: what is seen, and the mode afterwards."""
    model = lensed(dropout=0.5).train()
    logits = asked(solution, model, token_ids(1, 4))
    return [str(model.training), logits]


def without_a_mode(solution: Any) -> Any:
    """A model in eval mode stays there."""
    model = lensed(dropout=0.5).eval()
    solution.logit_lens(model, token_ids(1, 4))
    return str(model.training)


EXERCISE = exercise_in(
    __file__,
    title="The logit lens",
    task="""\
Blocks only add to the residual stream. So the last LayerNorm and the head can read it at any layer, and say what the
model would answer if it ended there. One sees the next word take shape from layer to layer. The model is nextword's
own: model.embed(ids), the blocks model.h, model.ln_f, model.head(x).""",
    symbols={"logit_lens": "nextword.lens.plain:logit_lens"},
    hints=(
        "x = model.embed(ids), then x = block(x) for each block of model.h: keep x after each step in a list.",
        "Each x of the list is read by model.head(model.ln_f(x)); torch.stack puts the answers together.",
        "model.eval() before, model.train(was_training) after.",
    ),
    reference="stream",
    probes=(
        Probe("what the embeddings alone say of five tokens, after one token", embeddings),
        Probe("the shape for two texts of five tokens, two layers, 61 tokens in the vocabulary", shape),
        Probe("all layers' logits for two texts of five tokens", all_layers),
        Probe("whether a model in training still is afterwards, and what is seen of it", in_training),
        Probe("whether a model in eval mode is in training afterwards", without_a_mode),
    ),
)
