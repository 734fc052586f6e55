"""The parameter count: where GPT-2's 124,439,808 numbers are."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from nextword.config import CONFIGS, GPTConfig
from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in


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


EXERCISE = exercise_in(
    __file__,
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
    hints=(
        "A linear layer from n to m numbers has n * m weights and m biases.",
        "The weights of a block: 3 C^2 + C^2 in attention, 4 C^2 + 4 C^2 in the MLP. Its biases: 3 C + C + 4 C + C. "
        "Its LayerNorms: 4 C.",
        "All in all: (n_vocab + n_ctx) * C + n_layer * (12 * C * C + 13 * C) + 2 * C.",
    ),
    reference=reference,
    probes=(
        Probe("V = 10, n_ctx = 3, C = 4, two heads, one block", count(GPTConfig(10, 3, 4, 2, 1))),
        Probe("V = 61, n_ctx = 16, C = 12, three heads, two blocks", count(GPTConfig(61, 16, 12, 3, 2))),
        Probe("gpt2", count(CONFIGS["gpt2"])),
    ),
)
