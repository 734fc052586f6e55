"""The names of other GPT-2s' parameters, and which of ours each stands for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from nextword.errors import WeightsError

State = Mapping[str, Tensor]
MASK = re.compile(r"(\.attn\.(bias|masked_bias)|\.att\.mask|\.mask|\.tril)$")


@dataclass(frozen=True)
class Family:
    """Some programs that name parameters alike.

    mark: a name that only they have. names: pairs of a pattern of theirs, with the block as `(\\d+)`, and ours with
    `{}`. Ours that end in /0, /1 or /2 are a third of one of ours.
    """

    name: str
    mark: str
    names: tuple[tuple[str, str], ...]


def norms(theirs: str, ours: str, weight: str = "weight", bias: str = "bias") -> tuple[tuple[str, str], ...]:
    """Name a LayerNorm's two vectors."""
    return ((rf"{theirs}\.{weight}", f"{ours}.weight"), (rf"{theirs}\.{bias}", f"{ours}.bias"))


def linear(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Name a projection's matrix and vector."""
    return ((rf"{theirs}\.weight", f"{ours}.weight"), (rf"{theirs}\.bias", f"{ours}.bias"))


BLOCK = r"(?:transformer\.)?h\.(\d+)"

KARPATHY = Family(
    "nanoGPT, build-nanogpt, minGPT, or Hugging Face's",
    r"(transformer\.)?h\.0\.attn\.c_attn\.weight",
    (
        (r"(?:transformer\.)?wte\.weight", "wte.weight"),
        (r"(?:transformer\.)?wpe\.weight", "wpe.weight"),
        *norms(rf"{BLOCK}\.ln_1", "h.{}.ln_1"),
        *linear(rf"{BLOCK}\.attn\.c_attn", "h.{}.attn.c_attn"),
        *linear(rf"{BLOCK}\.attn\.c_proj", "h.{}.attn.c_proj"),
        *norms(rf"{BLOCK}\.ln_2", "h.{}.ln_2"),
        *linear(rf"{BLOCK}\.mlp\.c_fc", "h.{}.mlp.c_fc"),
        *linear(rf"{BLOCK}\.mlp\.c_proj", "h.{}.mlp.c_proj"),
        *norms(r"(?:transformer\.)?ln_f", "ln_f"),
        (r"lm_head\.weight", "head"),
    ),
)

TRF = r"trf_blocks\.(\d+)"

RASCHKA = Family(
    "LLMs-from-scratch",
    r"trf_blocks\.0\.att\.W_query\.weight",
    (
        (r"tok_emb\.weight", "wte.weight"),
        (r"pos_emb\.weight", "wpe.weight"),
        *norms(rf"{TRF}\.norm1", "h.{}.ln_1", "scale", "shift"),
        *(pair for i, part in enumerate(("query", "key", "value"))
          for pair in linear(rf"{TRF}\.att\.W_{part}", f"h.{{}}.attn.c_attn/{i}")),
        *linear(rf"{TRF}\.att\.out_proj", "h.{}.attn.c_proj"),
        *norms(rf"{TRF}\.norm2", "h.{}.ln_2", "scale", "shift"),
        *linear(rf"{TRF}\.ff\.layers\.0", "h.{}.mlp.c_fc"),
        *linear(rf"{TRF}\.ff\.layers\.2", "h.{}.mlp.c_proj"),
        *norms(r"final_norm", "ln_f", "scale", "shift"),
        (r"out_head\.weight", "head"),
    ),
)  # fmt: skip

BLK = r"blk\.(\d+)"

LLAMA_CPP = Family(
    "llama.cpp's GGUF",
    r"blk\.0\.attn_qkv\.weight",
    (
        (r"token_embd\.weight", "wte.weight"),
        (r"position_embd\.weight", "wpe.weight"),
        *norms(rf"{BLK}\.attn_norm", "h.{}.ln_1"),
        *linear(rf"{BLK}\.attn_qkv", "h.{}.attn.c_attn"),
        *linear(rf"{BLK}\.attn_output", "h.{}.attn.c_proj"),
        *norms(rf"{BLK}\.ffn_norm", "h.{}.ln_2"),
        *linear(rf"{BLK}\.ffn_up", "h.{}.mlp.c_fc"),
        *linear(rf"{BLK}\.ffn_down", "h.{}.mlp.c_proj"),
        *norms(r"output_norm", "ln_f"),
        (r"output\.weight", "head"),
    ),
)

FAMILIES = (KARPATHY, RASCHKA, LLAMA_CPP)


def family_of(state: State, where: str) -> Family:
    """Tell by its names whose a state dict is. Raises WeightsError, with some of the names, for an unknown one."""
    for family in FAMILIES:
        if any(re.fullmatch(family.mark, name) for name in state):
            return family
    some = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in list(state.items())[:6])
    known = "; ".join(family.name for family in FAMILIES)
    raise WeightsError(
        f"{where}: its parameters have names that are not known here ({some}, ...). Known are those of {known}. A "
        "class of your own can be trained as it is, by the model FILE.py:CLASS."
    )


def renamed(state: State, family: Family, where: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Give parameters our names, each as it lies there. -> tensors by our names, and theirs by ours.

    Queries', keys' and values' matrices that are apart have names that end in /0, /1 and /2. Masks are left out. Raises
    WeightsError for a parameter without a place.
    """
    found: dict[str, Tensor] = {}
    whose: dict[str, str] = {}
    for name, tensor in state.items():
        if MASK.search(name) and tensor.dim() != 1 and not name.endswith("c_attn.bias"):
            continue
        ours = our_name(name, family)
        if ours is None:
            raise WeightsError(
                f"{where}: {name} {tuple(tensor.shape)} has no place in a GPT-2, so it is another model."
            )
        found[ours], whose[ours] = tensor, name
    return found, whose


def our_name(name: str, family: Family) -> str | None:
    """Translate a name of theirs."""
    for pattern, ours in family.names:
        match = re.fullmatch(pattern, name)
        if match:
            ours = ours.format(*match.groups())
            if "/" not in ours:
                return ours
            stem, part = ours.split("/")  # h.0.attn.c_attn/1.weight
            number, _, kind = part.partition(".")
            return f"{stem}.{kind}/{number}"
    return None
