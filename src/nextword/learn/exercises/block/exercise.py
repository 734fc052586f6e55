"""The block: gather, then think, and add each result to the residual stream."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.config import GPTConfig
from nextword.learn.checker.catalogue import inner_mistakes
from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.checker.track import TRACK
from nextword.learn.fixtures.building import build, n_parameters, output, weights
from nextword.learn.fixtures.fixture import CONFIG, numbers
from nextword.learn.fixtures.network import ReferenceBlock

BOTH = "x = x + self.attn(self.ln_1(x)), then x + self.mlp(self.ln_2(x))"


def reference(on: Mistakes) -> Any:
    """Block in float64, with these mistakes."""
    return SimpleNamespace(Block=partial(ReferenceBlock, on=on))


SMALL = GPTConfig(n_vocab=7, n_ctx=5, n_embd=6, n_head=2, n_layer=1, dropout=0.0)
DROPPING = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.5)


def size(solution: Any) -> Any:
    """How many numbers PyTorch knows of."""
    return f"{n_parameters(solution.Block(SMALL)):,}"


def run(solution: Any, config: GPTConfig, x: Tensor, seed: int = 0) -> Any:
    """What a block with known weights makes of x."""
    return output(build(solution.Block, config, "block", weights(config, "block", seed)), x)


def two_tokens(solution: Any) -> Any:
    """Two tokens of six numbers, not near a mean of 0 and a variance of 1."""
    return run(solution, SMALL, 2.0 * numbers(1, 2, 6, seed=1) + 0.5)


def batch(solution: Any) -> Any:
    """Two texts of seven tokens."""
    return run(solution, CONFIG, 1.5 * numbers(2, 7, 12))


def large(solution: Any) -> Any:
    """Numbers as large as they are in the middle of a deep model."""
    return run(solution, CONFIG, 30.0 * numbers(1, 4, 12, seed=2), seed=1)


def twice_in_eval(solution: Any) -> Any:
    """Whether two calls agree, with dropout of 0.5 in eval mode."""
    block = build(solution.Block, DROPPING, "block", weights(DROPPING, "block"))
    first, second = (output(block, numbers(2, 7, 12)) for _ in range(2))
    return "agree" if torch.equal(first, second) else "differ"


EXERCISE = exercise_in(
    __file__,
    title="The block",
    task="""\
A block is attention and then an MLP. Each reads a normalised copy of x, and adds what it found to x itself:

    x = x + attn(ln_1(x))
    x = x + mlp(ln_2(x))

LayerNorm(n_embd), CausalSelfAttention(config) and MLP(config) come from `parts`, or are your own. GPT-2 is n_layer of
these in a row.""",
    symbols={"Block": "nextword.model.block:Block"},
    hints=(
        "Four modules: self.ln_1 = LayerNorm(config.n_embd), self.attn = CausalSelfAttention(config), and two more.",
        "x itself is never normalised: only what attention and the MLP are given.",
        "x = x + self.attn(self.ln_1(x)) is the first half. The second looks the same.",
    ),
    reference=reference,
    probes=(
        Probe("how many parameters there are, for C = 6", size),
        Probe("two tokens of six numbers", two_tokens),
        Probe("two texts of seven tokens of twelve numbers", batch),
        Probe("numbers of about 30", large),
        Probe("two calls in eval mode, with dropout of 0.5", twice_in_eval),
    ),
    inner=inner_mistakes("a block", *(TRACK[part] for part in ("attention", "mlp", "layer_norm", "gelu"))),
    example="two_lines",
)
