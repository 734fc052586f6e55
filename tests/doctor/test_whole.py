"""The experiments on whole models: they tell all mistakes apart, and let right answers in float32 pass."""

from itertools import combinations
from types import ModuleType

import pytest
import torch
from torch.nn import functional as F
from weights.strangers import STRANGERS

from nextword.doctor.answers import UserGPT
from nextword.doctor.call import find_call
from nextword.doctor.construction import Maker
from nextword.doctor.search import Search, diagnose
from nextword.doctor.whole import MISTAKES, whole
from nextword.learn.checker.comparing import same
from nextword.learn.checker.exercise import RIGHT
from nextword.learn.fixtures.building import weights
from nextword.learn.fixtures.fixture import CONFIG
from nextword.model import GPT

CLASSICS = (
    *(
        "unbiased-variance",
        "eps-outside",
        "eps-missing",
        "wrong-axis",
        "whole-tensor",
        "weight-ignored",
        "bias-ignored",
    ),
    *("mean-kept", "root-missing"),
)
"""LayerNorm's: of what else the exercises know of single functions, some is the same thing in a whole model."""


def test_mistakes_are_told_apart() -> None:
    names = [m.name for m in MISTAKES if "." not in m.name or m.name in {f"layer_norm.{name}" for name in CLASSICS}]
    names += ["gelu.root-missing", "gelu.half-missing", "gelu.cubic-term-missing", "gelu.square"]
    search = Search(whole(weights(CONFIG, "gpt")))
    places = range(len(search.exercise.probes))
    seen = {name: [search.expected(frozenset({name}), place) for place in places] for name in names}
    seen["right"] = [search.expected(RIGHT, place) for place in places]
    for (name, values), (other, others) in combinations(seen.items(), 2):
        if name.partition("~")[0] != other.partition("~")[0]:
            alike = all(same(a, b) for a, b in zip(values, others, strict=True))
            assert not alike, f"{name} and {other} look the same"


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda c: c.__name__)
def test_strangers_that_are_right_are_not_accused(stranger: type) -> None:
    assert diagnosed(stranger) == ()


def test_ours_is_right_and_its_mistakes_are_seen() -> None:
    assert diagnosed(GPT) == ()


@pytest.mark.parametrize("hidden", [-1e9, float(torch.finfo(torch.float32).min), "added"], ids=str)
def test_other_ways_to_hide_are_right(hidden: float | str) -> None:
    class Hidden(STRANGERS[0]):  # type: ignore[misc, valid-type]
        class Attention(STRANGERS[0].Attention):  # type: ignore[name-defined, misc]
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                T = x.size(1)
                q, k, v = (
                    part.unflatten(-1, (self.n_head, -1)).transpose(1, 2) for part in self.c_attn(x).chunk(3, -1)
                )
                scores, visible = q @ k.mT * k.size(-1) ** -0.5, self.bias[:T, :T]
                if isinstance(hidden, str):
                    scores = scores + (1.0 - visible) * -1e9
                else:
                    scores = scores.masked_fill(visible == 0, hidden)
                return self.c_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))

        def __init__(self, c: object):
            super().__init__(c)
            for block in self.transformer["h"]:
                block.attn = self.Attention(c)

    assert diagnosed(Hidden) == ()


def test_two_mistakes_are_found() -> None:
    class Two(STRANGERS[0]):  # type: ignore[misc, valid-type]
        class Block(STRANGERS[0].Block):  # type: ignore[name-defined, misc]
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                x = self.ln_1(x + self.attn(x))
                return self.ln_2(x + self.mlp["c_proj"](F.relu(self.mlp["c_fc"](x))))

    assert set(diagnosed(Two, pair_seconds=60.0)) == {"post-norm", "relu"}


def diagnosed(cls: type, pair_seconds: float = 8.0) -> tuple[str, ...] | str:
    """The names of the mistakes that a class makes; that there are some, where they are not known."""
    maker = Maker(ModuleType("theirs"), cls)
    outcome = diagnose(UserGPT(maker, find_call(maker(CONFIG), CONFIG.n_vocab, CONFIG.n_ctx)), pair_seconds)
    return tuple(mistake.name for mistake in outcome.mistakes) or ("unexplained" if outcome.differences else ())
