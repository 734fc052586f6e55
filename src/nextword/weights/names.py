"""The table of every parameter's name in each format, from which all else is derived."""

from dataclasses import dataclass, replace
from functools import cache

from nextword.config import GPTConfig


@dataclass(frozen=True)
class TensorName:
    """One parameter's names and shape; in a row of the table, `{layer}` stands for the block's number.

    ours: its name in GPT, which is also Hugging Face's, without `transformer.`.
    openai: its name in OpenAI's TensorFlow checkpoints. sizes: its shape in
    GPT, in words (see `shape`). in_out: whether those two store it (in, out),
    the transpose of nn.Linear's (out, in). Attention's c_proj, being square,
    would fit either way round, so no shape gives a forgotten transpose away:
    this column is the only place that says so.
    """

    ours: str
    openai: str
    sizes: str
    in_out: bool = False

    def shape(self, config: GPTConfig) -> tuple[int, ...]:
        """Compute the parameter's shape in a GPT of that configuration: "4C C" is (4 n_embd, n_embd)."""
        C = config.n_embd
        sizes = {"V": config.n_vocab, "N": config.n_ctx, "C": C, "3C": 3 * C, "4C": 4 * C}
        return tuple(sizes[size] for size in self.sizes.split())


TABLE = (
    #          ours and Hugging Face's            OpenAI's                        sizes
    TensorName("wte.weight", "model/wte", "V C"),
    TensorName("wpe.weight", "model/wpe", "N C"),
    TensorName("h.{layer}.ln_1.weight", "model/h{layer}/ln_1/g", "C"),
    TensorName("h.{layer}.ln_1.bias", "model/h{layer}/ln_1/b", "C"),
    TensorName("h.{layer}.attn.c_attn.weight", "model/h{layer}/attn/c_attn/w", "3C C", in_out=True),
    TensorName("h.{layer}.attn.c_attn.bias", "model/h{layer}/attn/c_attn/b", "3C"),
    TensorName("h.{layer}.attn.c_proj.weight", "model/h{layer}/attn/c_proj/w", "C C", in_out=True),
    TensorName("h.{layer}.attn.c_proj.bias", "model/h{layer}/attn/c_proj/b", "C"),
    TensorName("h.{layer}.ln_2.weight", "model/h{layer}/ln_2/g", "C"),
    TensorName("h.{layer}.ln_2.bias", "model/h{layer}/ln_2/b", "C"),
    TensorName("h.{layer}.mlp.c_fc.weight", "model/h{layer}/mlp/c_fc/w", "4C C", in_out=True),
    TensorName("h.{layer}.mlp.c_fc.bias", "model/h{layer}/mlp/c_fc/b", "4C"),
    TensorName("h.{layer}.mlp.c_proj.weight", "model/h{layer}/mlp/c_proj/w", "C 4C", in_out=True),
    TensorName("h.{layer}.mlp.c_proj.bias", "model/h{layer}/mlp/c_proj/b", "C"),
    TensorName("ln_f.weight", "model/ln_f/g", "C"),
    TensorName("ln_f.bias", "model/ln_f/b", "C"),
)
"""Every parameter of GPT-2. The head has none of its own: it is `wte` again."""


@cache
def tensor_names(n_layer: int) -> tuple[TensorName, ...]:
    """List the names of all 4 + 12 n_layer parameters: those outside the blocks, then block by block.

    A format's own dictionary is one line: `{name.openai: name for name in tensor_names(12)}`.
    """
    outside = [row for row in TABLE if "{layer}" not in row.ours]
    blocks = [
        replace(row, ours=row.ours.format(layer=layer), openai=row.openai.format(layer=layer))
        for layer in range(n_layer)
        for row in TABLE
        if row not in outside
    ]
    return (*outside, *blocks)
