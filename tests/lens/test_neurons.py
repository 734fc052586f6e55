import pytest
import torch

from nextword.lens import neuron, neuron_words, top_neurons, trace
from nextword.model import GPT


def test_where_a_neuron_fires(model: GPT, ids: torch.Tensor) -> None:
    expected = trace(model, ids)["h.1.mlp.post"][..., 7]
    both = neuron(model, ids, layer=1, index=7)
    torch.testing.assert_close(torch.from_numpy(both.values), expected)
    one = neuron(model, ids[1], layer=1, index=7)
    torch.testing.assert_close(torch.from_numpy(one.values), expected[1], rtol=1e-4, atol=1e-6)
    best = one.top(3)
    assert best[0].value == pytest.approx(expected[1].max().item(), rel=1e-4)
    assert best[0].labels == (str(ids[1, expected[1].argmax()].item()),)


def test_which_neurons_fire(model: GPT, ids: torch.Tensor) -> None:
    found = top_neurons(model, ids[0], layer=0, position=4, n=3)
    values, order = trace(model, ids[:1])["h.0.mlp.post"][0, 4].topk(3)
    assert [*found.axes[0].labels] == [f"neuron {i}" for i in order.tolist()]
    assert found.values.tolist() == values.tolist()


def test_what_a_neuron_says_is_what_grows_when_it_fires(model: GPT, ids: torch.Tensor) -> None:
    """A little more of the neuron in the last layer, the norm's scale held fast, against the words' scores."""
    found = neuron_words(model, layer=1, index=3, n=61)
    traced = trace(model, ids[:1])
    x = traced["h.1.resid_post"][0, -1].double()
    more = x + 1e-3 * model.h[1].mlp.c_proj.weight[:, 3].double()

    def logits(x: torch.Tensor) -> torch.Tensor:
        read = (x - x.mean()) / traced["ln_f.scale"][0, -1] * model.ln_f.weight
        return read.double() @ model.wte.weight.double().T

    grown = (logits(more) - logits(x)) / 1e-3 * traced["ln_f.scale"][0, -1]
    expected = grown.sort(descending=True).values
    torch.testing.assert_close(torch.from_numpy(found.values).double(), expected.detach(), rtol=1e-3, atol=1e-4)


def test_a_neuron_that_is_not_there(model: GPT, ids: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="neuron 48 is not there: each MLP's neurons are 0 to 47"):
        neuron(model, ids, 0, 48)
