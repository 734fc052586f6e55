import pytest
import torch

from nextword.lens import direct_logit_attribution, trace
from nextword.lens.attribution import contributions
from nextword.model import GPT


@pytest.mark.parametrize("position", [-1, 0, 7])
def test_the_parts_are_the_logit(model: GPT, ids: torch.Tensor, position: int) -> None:
    logits = model(ids[:1])
    array = direct_logit_attribution(model, ids[0], token=9, position=position)
    assert array.values.sum() == pytest.approx(logits[0, position, 9].item(), rel=1e-4, abs=1e-4)
    assert len(array.axes[0].labels) == 1 + 2 * (3 + 1) + 1


def test_each_head_is_what_the_norm_and_the_head_make_of_it(model: GPT, ids: torch.Tensor) -> None:
    traced = trace(model, ids)
    found = contributions(traced, 5)

    def read(part: torch.Tensor) -> float:
        """The definition, step by step: centre, divide by the scale that the norm had, weigh, compare."""
        part = part[0, -1] - part[0, -1].mean()
        return (part / traced["ln_f.scale"][0, -1] * model.ln_f.weight @ model.wte.weight[5]).item()

    for layer in range(2):
        for head in range(3):
            expected = read(traced[f"h.{layer}.attn.head_out"][:, head])
            assert found.heads[layer, head].item() == pytest.approx(expected, rel=1e-3, abs=1e-5)
        assert found.mlps[layer].item() == pytest.approx(read(traced[f"h.{layer}.mlp.out"]), rel=1e-3, abs=1e-5)
    assert found.embed == pytest.approx(read(traced["embed"]), rel=1e-3, abs=1e-5)


def test_what_is_not_there(model: GPT, ids: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="token 61 is outside the vocabulary, 0 to 60"):
        direct_logit_attribution(model, ids[0], 61)
    with pytest.raises(ValueError, match="position 16 is not there: the text has 16 tokens, counted from 0"):
        direct_logit_attribution(model, ids[0], 5, 16)
