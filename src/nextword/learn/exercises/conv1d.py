"""Hugging Face's names and their Conv1D: which tensors lie the other way round."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import CONFIG, numbers
from nextword.weights.names import tensor_names

MISTAKES = (
    Mistake(
        name="nothing-transposed",
        equals="tensors that are left as they are stored",
        remedy="Transpose the weights of the four projections: c_attn, attn.c_proj, c_fc and mlp.c_proj.",
        why="OpenAI made its projections as convolutions of width 1, whose weights are (in, out). "
        "nn.Linear's are (out, in).",
    ),
    Mistake(
        name="square-untransposed",
        equals="tensors of which attn.c_proj.weight is not transposed",
        remedy="Transpose attn.c_proj.weight as well: go by names, and not by shapes.",
        why="It is square, (C, C), so it fits either way and no error tells. The model then writes nonsense "
        "that looks like badly trained text.",
    ),
    Mistake(
        name="mlp-untransposed",
        equals="tensors of which only attention's two projections are transposed",
        remedy="Transpose mlp.c_fc.weight and mlp.c_proj.weight as well.",
        why="The MLP's two projections are Conv1D like attention's.",
    ),
    Mistake(
        name="only-c-attn",
        equals="tensors of which only c_attn.weight is transposed",
        remedy="Transpose all four projections: c_attn, attn.c_proj, c_fc and mlp.c_proj.",
        why="Of the other three, attn.c_proj is square and fits either way.",
    ),
    Mistake(
        name="c-proj-untransposed",
        equals="tensors of which neither c_proj.weight is transposed",
        remedy="Transpose both: attn.c_proj.weight and mlp.c_proj.weight.",
        why="The two have the same name in different places. Attention's is square, so only the MLP's raises an error.",
    ),
    Mistake(
        name="embeddings-transposed",
        equals="tensors of which everything with two dimensions is transposed, the embeddings as well",
        remedy="Transpose the weights of the four projections only; wte and wpe stay (V, C) and (n_ctx, C).",
        why="Embeddings are tables with a row for each token or position, in every format.",
    ),
    Mistake(
        name="reshaped",
        equals="projections that are reshaped to (out, in), which is not their transpose",
        remedy="Use tensor.T: view and reshape keep the order of the numbers and only cut it elsewhere.",
        why="Every shape is right then, and every number is in a wrong place.",
    ),
    Mistake(
        name="masks-kept",
        equals="a dictionary that still holds the masks, h.0.attn.bias and h.0.attn.masked_bias",
        remedy="Leave out names that end with '.attn.bias' or '.attn.masked_bias'.",
        why="They are causal masks that old files hold. Nothing in them is learned.",
    ),
    Mistake(
        name="masked-bias-kept",
        equals="a dictionary that still holds h.0.attn.masked_bias",
        remedy="Leave out names that end with '.attn.masked_bias' too.",
        why="It is the single number, -1e4, that old code put in the place of hidden scores.",
    ),
    Mistake(
        name="c-attn-bias-lost",
        equals="a dictionary in which c_attn's bias was taken for a mask",
        remedy="A mask's name ends with '.attn.bias', with a dot before attn. h.0.attn.c_attn.bias does not.",
        why="'attn.bias' also occurs in c_attn.bias.",
    ),
    Mistake(
        name="biases-lost",
        equals="a dictionary without any bias",
        remedy="Leave out only what ends with '.attn.bias' or '.attn.masked_bias'.",
        why="All of GPT-2's projections and LayerNorms have a bias that is learned.",
    ),
    Mistake(
        name="head-kept",
        equals="a dictionary that still holds lm_head.weight",
        remedy="Leave out 'lm_head.weight'.",
        why="It is wte.weight once more: the head has no numbers of its own.",
    ),
    Mistake(
        name="prefix-kept",
        equals="names that still begin with 'transformer.'",
        remedy="Use name.removeprefix('transformer.').",
        why="GPT2LMHeadModel keeps its trunk under that name. OpenAI's files on the hub are without it.",
    ),
    Mistake(
        name="prefix-cut-blindly",
        equals="names whose first twelve letters are cut off even where they are not 'transformer.'",
        remedy="Use name.removeprefix('transformer.'), which leaves other names as they are.",
        why="Files come with the prefix and without it: OpenAI's on the hub have none.",
    ),
)

PROJECTIONS = {"attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"}
LEFT = {
    "nothing-transposed": PROJECTIONS,
    "square-untransposed": {"attn.c_proj.weight"},
    "mlp-untransposed": {"mlp.c_fc.weight", "mlp.c_proj.weight"},
    "only-c-attn": PROJECTIONS - {"attn.c_attn.weight"},
    "c-proj-untransposed": {"attn.c_proj.weight", "mlp.c_proj.weight"},
}
"""Which projections each of these mistakes leaves as they are."""


def reference(on: Mistakes) -> Any:
    """The renaming, with these mistakes."""
    turned = PROJECTIONS.difference(*(LEFT[name] for name in LEFT if name in on))

    def from_huggingface(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        ours = {}
        for stored, tensor in tensors.items():
            name = stored.removeprefix("transformer.")
            if not left_out(name):
                if "prefix-kept" in on:
                    name = stored
                if "prefix-cut-blindly" in on:
                    name = stored[len("transformer.") :]
                ours[name] = oriented(stored, tensor)
        return ours

    def left_out(name: str) -> bool:
        endings = {".attn.bias", ".attn.masked_bias"}
        if "masks-kept" in on:
            endings.clear()
        if "masked-bias-kept" in on:
            endings.discard(".attn.masked_bias")
        if "c-attn-bias-lost" in on:
            endings.add("attn.bias")
        if "biases-lost" in on:
            endings.add("bias")
        return name.endswith(tuple(endings)) or (name == "lm_head.weight" and "head-kept" not in on)

    def oriented(name: str, tensor: Tensor) -> Tensor:
        table = name.endswith(("wte.weight", "wpe.weight")) and "embeddings-transposed" in on
        if not table and not name.endswith(tuple(turned)):
            return tensor
        return tensor.reshape(tensor.shape[::-1]) if "reshaped" in on else tensor.T

    return SimpleNamespace(from_huggingface=from_huggingface)


def stored(prefix: str = "transformer.") -> dict[str, Tensor]:
    """What a Hugging Face file holds, in the fixture's sizes."""
    tensors = {}
    for seed, name in enumerate(tensor_names(CONFIG.n_layer)):
        shape = name.shape(CONFIG)
        tensors[prefix + name.ours] = numbers(*(shape[::-1] if name.in_out else shape), seed=seed)
    for layer in range(CONFIG.n_layer):
        tensors[f"{prefix}h.{layer}.attn.bias"] = torch.ones(1, 1, CONFIG.n_ctx, CONFIG.n_ctx).tril()
        tensors[f"{prefix}h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    tensors["lm_head.weight"] = tensors[f"{prefix}wte.weight"]
    return tensors


def few_names(solution: Any) -> Any:
    """The names that remain of a small file."""
    names = ("wte.weight", "h.0.attn.bias", "h.0.attn.masked_bias", "h.0.attn.c_attn.bias", "ln_f.weight")
    return sorted(solution.from_huggingface({f"transformer.{name}": torch.ones(2, 2) for name in names}))


def head(solution: Any) -> Any:
    """The names that remain where there is a head."""
    return sorted(
        solution.from_huggingface({"transformer.wte.weight": torch.ones(3, 2), "lm_head.weight": torch.ones(3, 2)})
    )


def without_prefix(solution: Any) -> Any:
    """The names that remain of a small file without `transformer.`."""
    names = ("wte.weight", "h.0.ln_1.bias")
    return sorted(solution.from_huggingface({name: torch.ones(2, 2) for name in names}))


def projection(solution: Any) -> Any:
    """A projection from two numbers to three."""
    tensors = solution.from_huggingface({"h.0.mlp.c_fc.weight": torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])})
    return tensors["h.0.mlp.c_fc.weight"]


def square(solution: Any) -> Any:
    """Attention's second projection, from two numbers to two."""
    tensors = solution.from_huggingface({"h.0.attn.c_proj.weight": torch.tensor([[1.0, 2.0], [3.0, 4.0]])})
    return tensors["h.0.attn.c_proj.weight"]


def shapes(solution: Any) -> Any:
    """All shapes of a whole file."""
    return {name: list(tensor.shape) for name, tensor in solution.from_huggingface(stored("")).items()}


def everything(solution: Any) -> Any:
    """All numbers of a whole file."""
    return dict(solution.from_huggingface(stored()))


EXERCISE = Exercise(
    name="conv1d",
    title="Hugging Face's names and Conv1D",
    task="""\
OpenAI's weights come in files in which some things are called or stored otherwise. Make such a dictionary into ours:

- Names may begin with "transformer.", ours do not: "transformer.h.0.ln_1.weight" is "h.0.ln_1.weight".
- Each block's four projections were written as convolutions of width 1 (Conv1D), whose weights are (in, out). nn.Linear
  wants (out, in). They are attn.c_attn, attn.c_proj, mlp.c_fc and mlp.c_proj; everything else stays as it is.
- Old files hold the causal mask of each block, "h.0.attn.bias", and the number "h.0.attn.masked_bias". Leave them out.
- "lm_head.weight" is wte.weight once more. Leave it out.""",
    symbols={"from_huggingface": "nextword.weights.plain:from_huggingface"},
    stub='''
from torch import Tensor


def from_huggingface(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """@from_huggingface"""
    ...
''',
    hints=(
        "Go through tensors.items(), and put what is wanted into a new dictionary under its new name.",
        "name.removeprefix(...) and name.endswith(...) do what is needed; endswith takes a tuple of endings too.",
        'Transpose, with .T, what ends with "attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight" or '
        '"mlp.c_proj.weight"; leave out what ends with ".attn.bias" or ".attn.masked_bias", and "lm_head.weight".',
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("the names that remain of a small file", few_names),
        Probe("the names that remain where there is a head", head),
        Probe("the names that remain of a file without the prefix", without_prefix),
        Probe("c_fc.weight, from two numbers to three", projection),
        Probe("attn.c_proj.weight, from two numbers to two", square),
        Probe("the shapes of all tensors of a small GPT-2", shapes),
        Probe("the numbers of all tensors of a small GPT-2", everything),
    ),
)
