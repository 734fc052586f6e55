"""A user model as one of ours, and what is lost on the way."""

import pytest
import torch
from user_model.own import source

from nextword.errors import WeightsError
from nextword.user_model import as_gpt, build


@pytest.fixture
def own(folder, config):
    def make(**settings):
        (folder / "my_gpt2.py").write_text(source(**settings))
        return build("my_gpt2:GPT", config).eval()

    return make


def test_as_one_of_ours_it_computes_the_same(own, model, ids):
    user_model = own()
    torch.testing.assert_close(as_gpt(user_model)(ids), user_model(ids), rtol=1e-4, atol=1e-5)
    user_model.load(model)
    for name, parameter in as_gpt(user_model).named_parameters():
        assert torch.equal(parameter, model.get_parameter(name)), name
    assert as_gpt(model) is model


def test_what_it_lacks_becomes_nothing(own, ids):
    user_model = own(bias=False)
    torch.testing.assert_close(as_gpt(user_model)(ids), user_model(ids), rtol=1e-4, atol=1e-5)
    assert as_gpt(user_model).h[0].attn.c_attn.bias.abs().max() == 0
    assert user_model.warnings() == [
        "GPT has no h.*.attn.c_attn.bias: the exported directory has there what changes nothing (zeros for a bias)."
    ]


def test_a_head_of_its_own_is_lost_and_told(own, model):
    user_model = own(tied=False)
    assert "(head.weight) differ from the embedding's" in user_model.not_exported()[0]
    user_model.load(model)
    assert user_model.not_exported() == []


def test_its_own_tensors_come_back(own):
    user_model, other = own(tied=False), own(tied=False)
    other.take_own_tensors(user_model.own_tensors())
    assert all(torch.equal(a, b) for a, b in zip(user_model.parameters(), other.parameters(), strict=True))
    changed = build("my_gpt2:GPT", user_model.config)
    changed.inner.head = torch.nn.Identity()
    with pytest.raises(WeightsError, match=r"GPT has changed since .* head.weight was \(61, 12\) and is not there"):
        changed.take_own_tensors(user_model.own_tensors())
