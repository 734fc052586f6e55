"""The parameter count: where GPT-2's 124,439,808 numbers are."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from nextword.config import CONFIGS, GPTConfig
from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe

MISTAKES = (
    Mistake(
        name="head-counted",
        equals="a count with the head's weights as well",
        remedy="The head is wte once more: count n_vocab * C once.",
        why="The head is tied. Of official GPT-2 one reads 163 million where it was counted twice, and 124 where not.",
    ),
    Mistake(
        name="tokens-missing",
        equals="a count without the token embedding",
        remedy="Add n_vocab * C.",
        why="In the smallest GPT-2 it is 31 percent of all. Some papers leave embeddings out on purpose.",
    ),
    Mistake(
        name="positions-missing",
        equals="a count without the position embedding",
        remedy="Add n_ctx * C.",
        why="GPT-2 learns a vector for each position. (nanoGPT reports its count without them.) They count.",
    ),
    Mistake(
        name="embeddings-missing",
        equals="a count of the blocks only, without embeddings",
        remedy="Add (n_vocab + n_ctx) * C.",
        why="Scaling laws are stated for such counts. The model's size is all that is learned.",
    ),
    Mistake(
        name="biases-missing",
        equals="a count without the biases of the linear layers",
        remedy="Each linear layer has as many biases as outputs: 3 C, C, 4 C and C, 9 C a block.",
        why="They are a thousandth of all, so that the sum looks right at a glance.",
    ),
    Mistake(
        name="norms-missing",
        equals="a count without LayerNorms",
        remedy="Each LayerNorm has a weight and a bias, 2 C: two in a block and one at the end.",
        why="They are few, so that the sum looks right at a glance.",
    ),
    Mistake(
        name="norms-without-bias",
        equals="a count of C for each LayerNorm, its weight without its bias",
        remedy="Count 2 C for each LayerNorm.",
        why="GPT-2's LayerNorms have a weight and a bias.",
    ),
    Mistake(
        name="final-norm-missing",
        equals="a count without the last LayerNorm",
        remedy="Add 2 C for ln_f.",
        why="It stands after the blocks, by itself, and is easily forgotten: 1,536 numbers of 124,439,808.",
    ),
    Mistake(
        name="mlp-square",
        equals="a count in which the MLP's two layers are C by C",
        remedy="They are C by 4 C and 4 C by C: 8 C^2.",
        why="Two thirds of a block are in its MLP.",
    ),
    Mistake(
        name="mlp-one-layer",
        equals="a count with one layer of the MLP instead of two",
        remedy="c_fc and c_proj have 4 C^2 numbers each.",
        why="Out and back: both are there.",
    ),
    Mistake(
        name="qkv-once",
        equals="a count in which c_attn is C by C instead of C by 3 C",
        remedy="Query, key and value each have C^2 numbers: 3 C^2.",
        why="c_attn is three layers in one.",
    ),
    Mistake(
        name="projection-missing",
        equals="a count without attention's projection",
        remedy="Add C^2 + C for attention's c_proj.",
        why="Query, key, value and projection make 4 C^2 together.",
    ),
    Mistake(
        name="times-heads",
        equals="a count that multiplies query, key and value by the number of heads",
        remedy="Leave n_head out: the heads share the C numbers among them.",
        why="Each head is C / n_head wide. More heads cost nothing.",
    ),
    Mistake(
        name="one-block",
        equals="a count with a single block",
        remedy="Multiply a block's numbers by n_layer.",
        why="The blocks are alike, and each has numbers of its own.",
    ),
    Mistake(
        name="masks-counted",
        equals="a count with the causal masks of all blocks",
        remedy="Leave n_ctx * n_ctx out: a mask is not learned.",
        why="state_dict() of many a GPT-2 holds them as buffers. parameters() does not.",
    ),
)


def reference(on: Mistakes) -> Any:
    """The count, with these mistakes."""

    def n_params(config: GPTConfig) -> int:
        C = config.n_embd
        bias = 0 if "biases-missing" in on else 1
        norm = 0 if "norms-missing" in on else C if "norms-without-bias" in on else 2 * C
        times = config.n_head if "times-heads" in on else 1
        qkv = times * ((1 if "qkv-once" in on else 3) * C * C + bias * (1 if "qkv-once" in on else 3) * C)
        projection = 0 if "projection-missing" in on else C * C + bias * C
        inner = C if "mlp-square" in on else 4 * C
        mlp = C * inner + bias * inner
        if "mlp-one-layer" not in on:
            mlp += inner * C + bias * C
        block = 2 * norm + qkv + projection + mlp
        if "masks-counted" in on:
            block += config.n_ctx**2
        tokens = 0 if {"tokens-missing", "embeddings-missing"} & on else config.n_vocab * C
        positions = 0 if {"positions-missing", "embeddings-missing"} & on else config.n_ctx * C
        last = 0 if "final-norm-missing" in on else norm
        head = config.n_vocab * C if "head-counted" in on else 0
        return tokens + positions + (1 if "one-block" in on else config.n_layer) * block + last + head

    return SimpleNamespace(n_params=n_params)


def count(config: GPTConfig) -> Callable[[Any], str]:
    """A probe that counts: with all digits, since they matter."""

    def run(solution: Any) -> str:
        found = solution.n_params(config)
        return f"{int(found):,}" if found == int(found) else str(found)

    return run


EXERCISE = Exercise(
    name="n_params",
    title="The parameter count",
    task="""\
How many numbers does a GPT-2 learn? Count them from its shape alone, without building it: V = n_vocab, n_ctx,
C = n_embd and n_layer say it all.

    wte (V, C) and wpe (n_ctx, C)
    in each block  ln_1, ln_2          a weight and a bias of C each
                   attn.c_attn         C -> 3 C, with a bias
                   attn.c_proj         C -> C, with a bias
                   mlp.c_fc            C -> 4 C, with a bias
                   mlp.c_proj          4 C -> C, with a bias
    ln_f           a weight and a bias; the head is wte again

For GPT-2's smallest model that is 124,439,808.""",
    symbols={"n_params": "nextword.config:n_params"},
    stub='''
from parts import GPTConfig


def n_params(config: GPTConfig) -> int:
    """How many numbers a GPT-2 of this shape learns. The tied head adds none."""
    ...
''',
    hints=(
        "A linear layer from n to m numbers has n * m weights and m biases.",
        "The weights of a block: 3 C^2 + C^2 in attention, 4 C^2 + 4 C^2 in the MLP. Its biases: 3 C + C + 4 C + C. "
        "Its LayerNorms: 4 C.",
        "All in all: (n_vocab + n_ctx) * C + n_layer * (12 * C * C + 13 * C) + 2 * C.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("V = 10, n_ctx = 3, C = 4, two heads, one block", count(GPTConfig(10, 3, 4, 2, 1))),
        Probe("V = 61, n_ctx = 16, C = 12, three heads, two blocks", count(GPTConfig(61, 16, 12, 3, 2))),
        Probe("gpt2", count(CONFIGS["gpt2"])),
    ),
)
