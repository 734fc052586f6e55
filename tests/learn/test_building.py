"""Modules of different make get the same numbers."""

import pytest
import torch
from torch import Tensor, nn

from nextword.learn.building import build, n_parameters, output, weights
from nextword.learn.fixture import CONFIG, numbers
from nextword.model import GPT


class TwoLayers(nn.Module):
    """An MLP under other names, in a Sequential."""

    def __init__(self, config: object):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 48), nn.GELU("tanh"), nn.Linear(48, 12), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def test_weights_have_our_names_and_shapes_and_none_is_zero() -> None:
    expected = {name: tuple(p.shape) for name, p in GPT(CONFIG).named_parameters()}
    tensors = weights(CONFIG, "gpt")
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == expected
    assert all((tensor != 0).all() for tensor in tensors.values())


def test_numbers_get_into_modules_of_other_make() -> None:
    tensors, x = weights(CONFIG, "mlp"), numbers(2, 12)
    inner = x @ tensors["c_fc.weight"].T + tensors["c_fc.bias"]
    expected = nn.functional.gelu(inner, approximate="tanh") @ tensors["c_proj.weight"].T + tensors["c_proj.bias"]
    torch.testing.assert_close(build(TwoLayers, CONFIG, "mlp", tensors)(x), expected)


def test_what_is_built_is_in_eval_mode() -> None:
    assert not build(TwoLayers, CONFIG, "mlp", weights(CONFIG, "mlp")).training


def test_only_modules_can_be_built() -> None:
    with pytest.raises(TypeError, match=r"expected an nn\.Module, and found int"):
        build(lambda config: 3, CONFIG, "mlp", {})


def test_shared_parameters_count_once() -> None:
    layer = nn.Linear(3, 2)
    assert n_parameters(nn.Sequential(layer, layer)) == 8


def test_what_is_no_tensor_is_told_of() -> None:
    with pytest.raises(TypeError, match="one tensor, and gives back tuple"):
        output(nn.LSTM(3, 3), torch.zeros(1, 2, 3))
