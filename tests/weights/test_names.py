import pytest
from weights.make_openai_fixture import SIZES, shapes

from nextword.model import GPT, GPTConfig
from nextword.weights.names import tensor_names


@pytest.mark.parametrize("size", SIZES)
def test_openai_names_are_those_of_openais_code(size):
    names = [name.openai for name in tensor_names(SIZES[size]["n_layer"])]
    assert set(names) == set(shapes(**SIZES[size]))
    assert len(names) == len(set(names)) == 4 + 12 * SIZES[size]["n_layer"]


def test_our_names_and_shapes_are_those_of_the_parameters_of_gpt():
    config = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=3)
    expected = {name: tuple(parameter.shape) for name, parameter in GPT(config).named_parameters()}
    assert {name.ours: name.shape(config) for name in tensor_names(3)} == expected


def test_exactly_the_projections_are_stored_in_out():
    in_out = {name.ours for name in tensor_names(1) if name.in_out}
    assert in_out == {f"h.0.{p}.weight" for p in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")}
