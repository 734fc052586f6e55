"""A foreign model as one of ours, and what is lost on the way."""

import pytest
import torch
from foreign.own import source

from nextword.errors import WeightsError
from nextword.foreign import as_gpt, build


@pytest.fixture
def own(folder, config):
    def make(**settings):
        (folder / "my_gpt2.py").write_text(source(**settings))
        return build("my_gpt2:GPT", config).eval()

    return make


def test_as_one_of_ours_it_computes_the_same(own, model, ids):
    foreign = own()
    torch.testing.assert_close(as_gpt(foreign)(ids), foreign(ids), rtol=1e-4, atol=1e-5)
    foreign.load(model)
    for name, parameter in as_gpt(foreign).named_parameters():
        assert torch.equal(parameter, model.get_parameter(name)), name
    assert as_gpt(model) is model


def test_what_it_lacks_becomes_nothing(own, ids):
    foreign = own(bias=False)
    torch.testing.assert_close(as_gpt(foreign)(ids), foreign(ids), rtol=1e-4, atol=1e-5)
    assert as_gpt(foreign).h[0].attn.c_attn.bias.abs().max() == 0
    assert foreign.warnings() == [
        "GPT has no h.*.attn.c_attn.bias: the exported directory has there what changes nothing (zeros for a bias)."
    ]


def test_a_head_of_its_own_is_lost_and_told(own, model):
    foreign = own(tied=False)
    assert "(head.weight) differ from the embedding's" in foreign.not_exported()[0]
    foreign.load(model)
    assert foreign.not_exported() == []


def test_its_own_tensors_come_back(own):
    foreign, other = own(tied=False), own(tied=False)
    other.take_own_tensors(foreign.own_tensors())
    assert all(torch.equal(a, b) for a, b in zip(foreign.parameters(), other.parameters(), strict=True))
    changed = build("my_gpt2:GPT", foreign.config)
    changed.inner.head = torch.nn.Identity()
    with pytest.raises(WeightsError, match=r"GPT has changed since .* head.weight was \(61, 12\) and is not there"):
        changed.take_own_tensors(foreign.own_tensors())
