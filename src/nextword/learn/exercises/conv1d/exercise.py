"""Hugging Face's names and their Conv1D: which tensors lie the other way round."""

from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import CONFIG, numbers
from nextword.weights.names import tensor_names


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
    """The names that remain of a file with a head."""
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


EXERCISE = exercise_in(
    __file__,
    title="Hugging Face's names and Conv1D",
    task="""\
OpenAI's weights come in files in which some things are called or stored otherwise. Make such a dictionary into ours:

- Names may begin with "transformer.", ours do not: "transformer.h.0.ln_1.weight" is "h.0.ln_1.weight".
- Each block's four projections were written as convolutions of width 1 (Conv1D), whose weights are (in, out). nn.Linear
  wants (out, in). They are attn.c_attn, attn.c_proj, mlp.c_fc and mlp.c_proj; everything else stays as it is.
- Old files hold the causal mask of each block, "h.0.attn.bias", and the number "h.0.attn.masked_bias". Leave them out.
- "lm_head.weight" is wte.weight once more. Leave it out.""",
    symbols={"from_huggingface": "nextword.weights.plain:from_huggingface"},
    hints=(
        "Go through tensors.items(), and put what is wanted into a new dictionary under its new name.",
        "name.removeprefix(...) and name.endswith(...) do what is needed; endswith takes a tuple of endings too.",
        'Transpose, with .T, what ends with "attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight" or '
        '"mlp.c_proj.weight"; leave out what ends with ".attn.bias" or ".attn.masked_bias", and "lm_head.weight".',
    ),
    reference="endswith",
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
