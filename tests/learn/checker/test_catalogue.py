"""Every mistake of the catalogue is one that the whole network makes."""

from functools import cache

import pytest
from torch import nn

from nextword.learn.checker.catalogue import OWN, network_mistakes
from nextword.learn.checker.comparing import attempt, same
from nextword.learn.checker.diagnosis import diagnose
from nextword.learn.checker.exercise import Mistakes
from nextword.learn.checker.styles import run_source, styles
from nextword.learn.checker.track import TRACK
from nextword.learn.fixtures.building import build, n_parameters, weights
from nextword.learn.fixtures.fixture import token_ids
from nextword.learn.fixtures.network import ReferenceGPT
from nextword.model import GPTConfig

CONFIG = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.5)
UNSEEN = {
    "layer_norm.eps-outside",  # eps is small beside the variance of what goes through a network
    "layer_norm.eps-missing",
    "gelu.tanh-overflows",
    "mask-too-small",
    "head-copied",  # which is the same as head-untied, once weights are loaded
}
"""What ordinary numbers in a whole network do not show."""


@cache
def seen(on: Mistakes) -> list[object]:
    @cache
    def model() -> nn.Module:
        return build(lambda config: ReferenceGPT(config, on), CONFIG, "gpt", weights(CONFIG, "gpt"))

    def logits(T: int, training: bool) -> object:
        return model().train(training)(token_ids(2, T))

    def size(_: object) -> int:
        return n_parameters(ReferenceGPT(CONFIG, on))

    probes = [(7, False), (7, True), (16, False), (17, False)]
    return [attempt(size, None), *(attempt(lambda _, p=probe: logits(*p), None) for probe in probes)]


@pytest.mark.parametrize("name", sorted(network_mistakes().keys() - UNSEEN))
def test_the_network_makes_it(name: str) -> None:
    right, wrong = seen(frozenset()), seen(frozenset({name}))
    assert not all(same(a, b) for a, b in zip(right, wrong, strict=True))


def test_no_two_mistakes_have_one_name() -> None:
    assert len(network_mistakes()) >= sum(len(TRACK[name].mistakes) for name in OWN)
    assert "gelu.root-missing" in network_mistakes()
    assert "layer_norm.root-missing" in network_mistakes()


@pytest.mark.parametrize(
    ("exercise", "style", "right", "wrong", "mistake"),
    [
        ("gpt", "notebook", "self.mask.bool()[:n, :n]", "torch.tensor(False)", "mask-missing"),
        ("gpt", "notebook", "unbiased=False", "unbiased=True", "layer_norm.unbiased-variance"),
        ("gpt", "notebook", "(2 / torch.pi) ** 0.5", "(2 / torch.pi)", "gelu.root-missing"),
        ("gpt", "compact", ', approximate="tanh"', "", "erf-gelu"),
        ("gpt", "compact", "x = x + F.dropout(self.attn", "x = F.dropout(self.attn", "first-residual-missing"),
        ("block", "all_in_one", 'nn.GELU("tanh")', "nn.ReLU()", "relu"),
        ("block", "all_in_one", "is_causal=True", "is_causal=True, scale=1.0", "scale-missing"),
        ("mlp", "notebook", "0.044715", "0.44715", "gelu.coefficient-ten-times"),
    ],
)
def test_mistakes_in_parts_of_ones_own_are_named(
    exercise: str, style: str, right: str, wrong: str, mistake: str
) -> None:
    text = next(one for one in styles(exercise) if one.name == style).source()
    assert right in text
    found = diagnose(TRACK[exercise], run_source(text.replace(right, wrong), "answer"), pair_seconds=0.0)
    assert found.names == (mistake,)
    assert found.mistakes[0].equals.startswith(("a GPT with ", "a block with ", "an MLP with "))
