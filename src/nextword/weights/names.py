"""What every parameter is called in each format: one table, and all else is derived from it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorName:
    """One parameter's names; in a row of the table, `{layer}` stands for the block's number.

    ours: its name in GPT, which is also Hugging Face's, without `transformer.`.
    openai: its name in OpenAI's TensorFlow checkpoints. in_out: whether those
    two store it (in, out), the transpose of nn.Linear's (out, in). Half of
    these would fit either way round, so no shape gives a forgotten transpose
    away: this column is the only place that says so.
    """

    ours: str
    openai: str
    in_out: bool = False


TABLE = (
    #          ours and Hugging Face's            OpenAI's
    TensorName("wte.weight", "model/wte"),
    TensorName("wpe.weight", "model/wpe"),
    TensorName("h.{layer}.ln_1.weight", "model/h{layer}/ln_1/g"),
    TensorName("h.{layer}.ln_1.bias", "model/h{layer}/ln_1/b"),
    TensorName("h.{layer}.attn.c_attn.weight", "model/h{layer}/attn/c_attn/w", in_out=True),
    TensorName("h.{layer}.attn.c_attn.bias", "model/h{layer}/attn/c_attn/b"),
    TensorName("h.{layer}.attn.c_proj.weight", "model/h{layer}/attn/c_proj/w", in_out=True),
    TensorName("h.{layer}.attn.c_proj.bias", "model/h{layer}/attn/c_proj/b"),
    TensorName("h.{layer}.ln_2.weight", "model/h{layer}/ln_2/g"),
    TensorName("h.{layer}.ln_2.bias", "model/h{layer}/ln_2/b"),
    TensorName("h.{layer}.mlp.c_fc.weight", "model/h{layer}/mlp/c_fc/w", in_out=True),
    TensorName("h.{layer}.mlp.c_fc.bias", "model/h{layer}/mlp/c_fc/b"),
    TensorName("h.{layer}.mlp.c_proj.weight", "model/h{layer}/mlp/c_proj/w", in_out=True),
    TensorName("h.{layer}.mlp.c_proj.bias", "model/h{layer}/mlp/c_proj/b"),
    TensorName("ln_f.weight", "model/ln_f/g"),
    TensorName("ln_f.bias", "model/ln_f/b"),
)
"""Every parameter of GPT-2. The head has none of its own: it is `wte` again."""


def tensor_names(n_layer: int) -> tuple[TensorName, ...]:
    """The names of all 4 + 12 n_layer parameters: those outside the blocks, then block by block.

    A format's own dictionary is one line: `{name.openai: name for name in tensor_names(12)}`.
    """
    outside = [row for row in TABLE if "{layer}" not in row.ours]
    blocks = [
        TensorName(row.ours.format(layer=layer), row.openai.format(layer=layer), row.in_out)
        for layer in range(n_layer)
        for row in TABLE
        if row not in outside
    ]
    return (*outside, *blocks)
