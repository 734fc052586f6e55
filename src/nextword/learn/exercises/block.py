"""The block: gather, then think, and add what comes of it to what was there."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.config import GPTConfig
from nextword.learn.checker.catalogue import inner_mistakes
from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.exercises import attention, gelu, layer_norm, mlp
from nextword.learn.fixtures.building import build, n_parameters, output, weights
from nextword.learn.fixtures.fixture import CONFIG, numbers
from nextword.learn.fixtures.network import ReferenceBlock

BOTH = "x = x + self.attn(self.ln_1(x)), then x + self.mlp(self.ln_2(x))"

MISTAKES = (
    Mistake(
        name="post-norm",
        equals="a block that normalises after adding (post-norm), as the first Transformer did",
        remedy=f"Normalise what goes into each half, and leave x alone: {BOTH}.",
        why="GPT-2 moved the norms to the front, so that x runs from the embedding to the head with nothing but "
        "additions on its way. Post-norm needs a careful warm-up, and its weights are others.",
    ),
    Mistake(
        name="norm-after",
        equals="a block that normalises what each half gives back instead of what it is given",
        remedy=f"Normalise what goes into each half: {BOTH}.",
        why="Attention and MLP then work on numbers that grow from block to block.",
    ),
    Mistake(
        name="parallel",
        equals="a block whose two halves work side by side on the same x (as in GPT-J)",
        remedy="Give the MLP what attention has already been added to: two statements, one after the other.",
        why="It saves time on large machines, and other models are made so. GPT-2's MLP works on what attention found.",
    ),
    Mistake(
        name="parallel-one-norm",
        equals="a block whose two halves work side by side after one LayerNorm (GPT-J's)",
        remedy=f"Give each half a LayerNorm of its own, and let one follow the other: {BOTH}.",
        why="It saves time on large machines, and other models are made so. GPT-2's MLP works on what attention found.",
    ),
    Mistake(
        name="mlp-first",
        equals="a block with the MLP before attention",
        remedy=f"Attention first: {BOTH}.",
        why="It trains just as well, and official weights are nonsense in it.",
    ),
    Mistake(
        name="residuals-missing",
        equals="a block that adds neither half's result to x, but goes on with the result alone",
        remedy=f"Add: {BOTH}.",
        why="A token would have to carry itself through every half. Beyond a few blocks nothing is learned any more.",
    ),
    Mistake(
        name="first-residual-missing",
        equals="a block that goes on with attention's result alone, without x",
        remedy="Add: x = x + self.attn(self.ln_1(x)).",
        why="What the token itself was is lost.",
    ),
    Mistake(
        name="second-residual-missing",
        equals="a block that returns the MLP's result alone, without x",
        remedy="Add: return x + self.mlp(self.ln_2(x)).",
        why="What attention found, and the token itself, are lost.",
    ),
    Mistake(
        name="residuals-normalised",
        equals="a block that adds to the normalised x instead of to x itself",
        remedy=f"Do not overwrite x with its LayerNorm: {BOTH}.",
        why="x = ln(x); x = x + f(x) looks right and forgets how large x was. The path without detours is lost.",
    ),
    Mistake(
        name="first-residual-normalised",
        equals="a block whose attention is added to the normalised x instead of to x itself",
        remedy="Do not overwrite x with its LayerNorm: x = x + self.attn(self.ln_1(x)).",
        why="x = ln(x); x = x + f(x) looks right and forgets how large x was. The path without detours is lost.",
    ),
    Mistake(
        name="second-residual-normalised",
        equals="a block whose MLP is added to the normalised x instead of to x itself",
        remedy="Do not overwrite x with its LayerNorm: return x + self.mlp(self.ln_2(x)).",
        why="x = ln(x); x = x + f(x) looks right and forgets how large x was. The path without detours is lost.",
    ),
    Mistake(
        name="one-norm",
        equals="a block with one LayerNorm for both halves",
        remedy="Make two: self.ln_1 for attention, self.ln_2 for the MLP.",
        why="A LayerNorm has 2 C numbers to learn, and what is good for attention is not what the MLP needs.",
    ),
    Mistake(
        name="first-norm-twice",
        equals="a block that uses its first LayerNorm for both halves, and never the second",
        remedy="Use self.ln_2 before the MLP.",
        why="While both are 1 and 0, as they are at the beginning, nothing shows. The second never gets a gradient.",
    ),
    Mistake(
        name="norms-swapped",
        equals="a block that uses ln_2 before attention and ln_1 before the MLP",
        remedy="ln_1 belongs to attention, which comes first, and ln_2 to the MLP.",
        why="Trained from random weights it is only a matter of names. Official weights then come to the wrong place.",
    ),
    Mistake(
        name="first-norm-unused",
        equals="a block whose attention reads x without a LayerNorm",
        remedy="Give attention self.ln_1(x).",
        why="x grows from block to block. Unnormalised, the scores grow with it, and attention sticks to one token.",
    ),
    Mistake(
        name="second-norm-unused",
        equals="a block whose MLP reads x without a LayerNorm",
        remedy="Give the MLP self.ln_2(x).",
        why="x grows from block to block, and the MLP has to cope with any size.",
    ),
    Mistake(
        name="norms-missing",
        equals="a block without LayerNorms",
        remedy=f"Make self.ln_1 and self.ln_2, and use them: {BOTH}.",
        why="x grows from block to block. A shallow model may still learn; twelve blocks rarely do.",
    ),
    Mistake(
        name="block-dropout-in-eval",
        equals="a block that drops numbers in eval mode",
        remedy="Attention and MLP have dropout of their own. Where you add some, use nn.Dropout.",
        why="F.dropout drops whenever it is called, unless it is told training=self.training.",
    ),
)


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


EXERCISE = Exercise(
    name="block",
    title="The block",
    task="""\
A block is attention and then an MLP. Each reads a normalised copy of x, and adds what it found to x itself:

    x = x + attn(ln_1(x))
    x = x + mlp(ln_2(x))

LayerNorm(n_embd), CausalSelfAttention(config) and MLP(config) come from `parts`, or are your own. GPT-2 is n_layer of
these in a row.""",
    symbols={"Block": "nextword.model.block:Block"},
    stub='''
from torch import Tensor, nn

from parts import MLP, CausalSelfAttention, GPTConfig, LayerNorm


class Block(nn.Module):
    """@Block"""

    def __init__(self, config: GPTConfig):
        super().__init__()
        # ln_1, attn, ln_2, mlp
        ...

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        ...
''',
    hints=(
        "Four modules: self.ln_1 = LayerNorm(config.n_embd), self.attn = CausalSelfAttention(config), and two more.",
        "x itself is never normalised: only what attention and the MLP are given.",
        "x = x + self.attn(self.ln_1(x)) is the first half. The second looks the same.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("how many parameters there are, for C = 6", size),
        Probe("two tokens of six numbers", two_tokens),
        Probe("two texts of seven tokens of twelve numbers", batch),
        Probe("numbers of about 30", large),
        Probe("two calls in eval mode, with dropout of 0.5", twice_in_eval),
    ),
    inner=inner_mistakes("a block", *(part.EXERCISE for part in (attention, mlp, layer_norm, gelu))),
    example="two_lines",
)
