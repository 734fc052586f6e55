"""The parameter count: where GPT-2's 124,439,808 numbers are."""

from collections.abc import Callable
from typing import Any

from nextword.config import CONFIGS, GPTConfig
from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


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
    reference="closed_form",
    probes=(
        Probe("V = 10, n_ctx = 3, C = 4, two heads, one block", count(GPTConfig(10, 3, 4, 2, 1))),
        Probe("V = 61, n_ctx = 16, C = 12, three heads, two blocks", count(GPTConfig(61, 16, 12, 3, 2))),
        Probe("gpt2", count(CONFIGS["gpt2"])),
    ),
)
