"""GPT: embeddings, blocks, a last LayerNorm, and the embedding once more as the head."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.learn.checker.catalogue import inner_mistakes
from nextword.learn.checker.comparing import Near, same
from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.checker.track import TRACK
from nextword.learn.fixtures.building import build, n_parameters, weights
from nextword.learn.fixtures.fixture import CONFIG, numbers, token_ids
from nextword.learn.fixtures.network import ReferenceGPT
from nextword.weights.matching import match_parameters


def reference(on: Mistakes) -> Any:
    """GPT in float64, with these mistakes."""
    return SimpleNamespace(GPT=partial(ReferenceGPT, on=on))


SMALL = GPTConfig(n_vocab=5, n_ctx=4, n_embd=6, n_head=2, n_layer=2, dropout=0.0)
DROPPING = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=1, dropout=0.5)


def size(solution: Any) -> Any:
    """How many numbers PyTorch knows of."""
    return f"{n_parameters(solution.GPT(SMALL)):,}"


def run(solution: Any, config: GPTConfig, ids: Tensor) -> Any:
    """What a GPT with known weights says of ids."""
    with torch.no_grad():
        return build(solution.GPT, config, "gpt", weights(config, "gpt"))(ids)


def two_tokens(solution: Any) -> Any:
    """Two tokens, and five that may come next."""
    return run(solution, SMALL, torch.tensor([[3, 1]]))


def batch(solution: Any) -> Any:
    """Two texts of seven tokens."""
    return run(solution, CONFIG, token_ids(2, 7))


def longest(solution: Any) -> Any:
    """A text of n_ctx tokens."""
    return run(solution, CONFIG, token_ids(1, 16, seed=1))


def too_long(solution: Any) -> Any:
    """A text of n_ctx + 1 tokens; skipped for models without positions."""
    tensors = weights(CONFIG, "gpt")
    moved = tensors | {"wpe.weight": torch.cat([tensors["wpe.weight"][:1], numbers(15, 12)])}
    with torch.no_grad():
        one, other = (build(solution.GPT, CONFIG, "gpt", given)(token_ids(1, 3)) for given in (tensors, moved))
    if same(one, other):
        return "all positions are alike"
    return run(solution, CONFIG, token_ids(1, 17, seed=2))


def fresh_head(solution: Any) -> Any:
    """Whether the head is tied, a copy of the embedding, or untied."""
    module: nn.Module = solution.GPT(CONFIG)
    matching = match_parameters(module, CONFIG, "gpt")
    if matching.own_head is None:
        return "tied"
    own = module.get_parameter(matching.own_head)
    table = matching.export()["wte.weight"]
    return "a copy" if torch.equal(own.reshape(-1), table.reshape(-1)) else "untied"


def dropping(solution: Any, training: bool) -> Any:
    """Deviation of one token's logits over like positions, with blocks that add nothing."""
    tensors = {name: torch.zeros_like(tensor) for name, tensor in weights(DROPPING, "gpt").items()}
    tensors["wte.weight"] = torch.eye(61, 12)
    tensors["wte.weight"][12:, 0] = 1.0
    tensors["wpe.weight"] = torch.ones(16, 12)
    tensors["ln_f.weight"] = torch.ones(12)
    model = build(solution.GPT, DROPPING, "gpt", tensors).train(training)
    with torch.no_grad():
        logits = first_of(model(torch.zeros(100, 8, dtype=torch.int64)))
    return Near(logits.double().std(dim=(0, 1)).mean().nan_to_num(-1.0), 0.1)


def first_of(result: Any) -> Tensor:
    """The logits, of a GPT that gives back more as well."""
    logits: Tensor = result[0] if isinstance(result, tuple) else result
    return logits


EXERCISE = exercise_in(
    __file__,
    title="GPT",
    task="""\
The whole model. A token's embedding (a row of wte) and its position's (a row of wpe) are added; the blocks, one after
the other, work on that; a last LayerNorm, ln_f, brings it to a known size; and the head scores every token of the
vocabulary with wte once more:

    x      = wte[ids] + wpe[0, 1, 2, ...]
    x      = block(x), for each of the n_layer blocks
    logits = ln_f(x) wte^T

In training numbers of x are dropped before the first block. A text of more than n_ctx tokens is an error: ValueError.
Block(config), LayerNorm(n_embd) and head(x, wte) come from `parts`, or are your own.""",
    symbols={"GPT": "nextword.model.gpt:GPT"},
    hints=(
        "nn.Embedding(n_vocab, n_embd) and nn.Embedding(n_ctx, n_embd) are the two tables. torch.arange(T, "
        "device=ids.device) are the positions.",
        "self.h = nn.ModuleList([Block(config) for _ in range(config.n_layer)]): a plain list would hide the blocks "
        "from PyTorch.",
        "In forward: embed, drop, for block in self.h: x = block(x), then return head(self.ln_f(x), self.wte.weight).",
    ),
    reference=reference,
    probes=(
        Probe("how many parameters there are, for V = 5, n_ctx = 4, C = 6 and two blocks", size),
        Probe("the logits for two tokens, of a vocabulary of five", two_tokens),
        Probe("the logits for two texts of seven tokens", batch),
        Probe("the logits for a text of n_ctx = 16 tokens", longest),
        Probe("a text of 17 tokens, where n_ctx = 16", too_long),
        Probe("the head of a fresh model", fresh_head),
        Probe("how much the logits vary with dropout of 0.5 in training", partial(dropping, training=True)),
        Probe("how much the logits vary with dropout of 0.5 in eval mode", partial(dropping, training=False)),
    ),
    inner=inner_mistakes("a GPT", *(TRACK[part] for part in ("block", "attention", "mlp", "layer_norm", "gelu"))),
    example="from_parts",
)
