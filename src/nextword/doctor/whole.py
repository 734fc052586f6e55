"""The whole model as an exercise: experiments that tell all mistakes of a GPT-2 apart.

They see logits only. What is kept where, tied or not, is for `structure.py`.
"""

import math

import torch
from torch import Tensor

from nextword.doctor.answers import ONE_BLOCK, Answer, Reference, Tensors
from nextword.learn.checker.catalogue import network_mistakes
from nextword.learn.checker.comparing import same
from nextword.learn.checker.exercise import Exercise, Mistake, Probe
from nextword.learn.checker.track import TRACK
from nextword.learn.fixtures.fixture import CONFIG, numbers, token_ids

NOT_SEEN = {
    # where parameters are and which of them there are: structure.py
    *("head-untied", "head-copied", "head-bias", "blocks-in-a-list", "block-missing", "width-c", "width-2c"),
    *("qkv-bias-missing", "projection-bias-missing", "fc-bias-missing", "mlp-projection-bias-missing"),
    *("projection-missing", "positions-missing", "final-norm-missing", "one-norm"),
    # what forward gives besides, and to whom: calling.py
    *("returns-a-pair", "last-position-only"),
    # dropout in training, which is a matter of taste
    *("dropout-missing", "weights-dropout-missing", "output-dropout-missing", "embedding-dropout-missing"),
    *("mlp-dropout-missing", "mlp-dropout-inside", "block-dropout-in-eval"),
    # what a function does with its arguments
    *("layer_norm.eps-fixed", "layer_norm.input-changed"),
    # the MLP's own names for them are there
    *("gelu.erf", "gelu.sigmoid-form", "gelu.silu", "gelu.relu", "gelu.one-branch"),
}

MORE_EXACTLY = {
    "projection-unused": ("h.0.attn.c_proj.weight", "projection-missing"),
    "positions-unused": ("wpe.weight", "positions-missing"),
    "final-norm-unused": ("ln_f.weight", "final-norm-missing"),
}
"""A mistake -> what it is called where the model has not even this parameter."""

OWN = (
    *(
        Mistake(
            name=f"eps={eps}",
            equals=f"a LayerNorm with an eps of {eps} instead of 1e-5",
            remedy="Write eps = 1e-5, as GPT-2 has it and nn.LayerNorm by default.",
            why="It matters only where a token's variance is as small as eps. Loaded weights then differ in the last "
            "digits, at some tokens.",
        )
        for eps in ("1e-6", "1e-8", "1e-12")
    ),
    *(Mistake("scaled-logits", m.equals, m.remedy, m.why) for m in TRACK["head"].mistakes if m.name == "scaled"),
)
"""Mistakes that no exercise has by themselves."""

SMALL = (-1e4 / math.sqrt(CONFIG.n_embd // CONFIG.n_head), -1e3, -100.0)
"""Other scores than -1e4 that hide too little; the first is what comes of -1e4 that is divided by sqrt(D) as well."""

FEW = torch.tensor([[17, 3, 42, 30]])
"""Four different tokens."""


def whole(usual: Tensors, one_block: bool = True) -> Exercise:
    """Make the exercise for a model, with weights that leave out its missing parts.

    one_block: whether the model can also be made with a single block.
    """

    def with_silent(*parts: str) -> dict[str, Tensor]:
        silent = tuple(f"{part}.c_proj." for part in parts)
        return {name: torch.zeros_like(t) if any(s in name for s in silent) else t for name, t in usual.items()}

    def see(ids: Tensor, tensors: Tensors = usual) -> object:
        return lambda answer: answer.logits(ids, tensors)

    probes = [
        ("the logits of one token", see(FEW[:, :1])),
        ("the logits of four tokens", see(FEW)),
        (
            "the embeddings alone: four tokens, with both halves of every block silent (c_proj 0)",
            see(FEW, with_silent("attn", "mlp")),
        ),
        ("the MLPs alone: four tokens, with attention silent", see(FEW, with_silent("attn"))),
        ("attention alone: four tokens, with the MLPs silent", see(FEW, with_silent("mlp"))),
        ("numbers in the hundreds within the MLPs", see(FEW, wide(usual))),
        ("two texts of seven tokens", see(token_ids(2, 7))),
        (f"a text of n_ctx = {CONFIG.n_ctx} tokens", see(token_ids(1, CONFIG.n_ctx, seed=1))),
        ("four tokens whose embeddings hardly vary, so that eps counts", see(FEW, hardly_varying(usual, FEW))),
        ("four tokens whose attention scores are in the ten thousands", see(FEW, high_scores(usual))),
        (f"a text of {CONFIG.n_ctx + 1} tokens, one too many", lambda answer: too_long(answer, usual)),
        ("two calls in eval mode, with dropout of 0.5", lambda answer: in_eval(answer, usual)),
    ]
    if one_block:
        probes.insert(2, ("four tokens, with one block", lambda answer: answer.logits(FEW, usual, ONE_BLOCK)))
    return Exercise(
        name="whole",
        title="the whole model",
        task="",
        symbols={"GPT": "nextword.model:GPT"},
        stub="",
        hints=(),
        mistakes=MISTAKES,
        reference=Reference,
        probes=tuple(Probe(name, run) for name, run in probes),  # type: ignore[arg-type]
    )


def mistakes() -> tuple[Mistake, ...]:
    """All that logits can show, in the exercises' words."""
    found = [Mistake(name, m.equals, m.remedy, m.why) for name, m in network_mistakes().items() if name not in NOT_SEEN]
    blind = [m for m in found if m.name in ("mask-early", "mask-inverted")]
    found += [Mistake(f"{m.name}~{ending}", m.equals, m.remedy, m.why) for m in blind for ending in ("even", "none")]
    small = next(m for m in found if m.name == "mask-too-small")
    for hidden in SMALL:
        equals = small.equals.replace("-1e4", f"{hidden:g}")
        found.append(Mistake(f"{small.name}~{hidden}", equals, small.remedy, small.why))
    return (*found, *OWN)


MISTAKES = mistakes()


def hardly_varying(usual: Tensors, ids: Tensor) -> dict[str, Tensor]:
    """Weights that make these tokens' embeddings tiny at their positions; the last one's are 0.

    The tokens' take away what the positions' give: of two numbers that are so near
    to each other float32 too has the difference exactly. No token may come twice.
    """
    wte, T = usual["wte.weight"].clone(), ids.size(1)
    tiny = 2e-3 * numbers(T, CONFIG.n_embd, seed=9)
    tiny[-1] = 0.0
    wte[ids[0]] = tiny - usual["wpe.weight"][:T]
    return {**usual, "wte.weight": wte}


def high_scores(usual: Tensors) -> dict[str, Tensor]:
    """Weights that make visible keys score far below -10,000."""
    C = CONFIG.n_embd
    tensors = dict(usual)
    for layer in range(CONFIG.n_layer):
        name = f"h.{layer}.attn.c_attn.weight"
        tensors[name] = usual[name].clone()
        tensors[name][: 2 * C] *= 150.0
    return tensors


def wide(usual: Tensors) -> dict[str, Tensor]:
    """Weights with which GELU gets numbers in the hundreds."""
    return {name: 100.0 * tensor if name.endswith("c_fc.weight") else tensor for name, tensor in usual.items()}


def too_long(answer: Answer, usual: Tensors) -> object:
    """A text of n_ctx + 1 tokens; skipped for models without positions."""
    like = answer.logits(torch.full((1, 3), 5), usual)
    if same(like[:, :1], like[:, 1:2]):
        return "all positions are alike"
    return answer.last_logits(token_ids(1, CONFIG.n_ctx + 1, seed=2), usual)


def in_eval(answer: Answer, usual: Tensors) -> object:
    """Where numbers are dropped in eval mode: with one part of the model working at a time."""
    silent = {name: torch.zeros_like(t) if ".c_proj." in name else t for name, t in usual.items()}

    def only(**changes: Tensor) -> str:
        tensors = dict(silent)
        for name in usual:
            for ending, tensor in changes.items():
                if name.endswith(ending.replace("__", ".")):
                    tensors[name] = tensor
        return "agree" if answer.settled(FEW, tensors) else "differ"

    C = CONFIG.n_embd
    return {
        "embeddings": only(),
        "attention's weights": only(attn__c_proj__weight=usual["h.0.attn.c_proj.weight"]),
        "attention's output": only(attn__c_proj__bias=ones_if_any(usual["h.0.attn.c_proj.bias"])),
        "the MLP's output": only(
            mlp__c_proj__bias=ones_if_any(usual["h.0.mlp.c_proj.bias"]), mlp__c_proj__weight=torch.zeros(C, 4 * C)
        ),
    }


def ones_if_any(bias: Tensor) -> Tensor:
    """A bias of different numbers, or of zeros where there is none."""
    return torch.linspace(1.0, 2.0, bias.numel()) if bias.any() else torch.zeros_like(bias)
