import pytest
import torch

from nextword.lens import trace
from nextword.lens.plain import logit_lens
from nextword.lens.view import COLUMNS, percent, view
from nextword.model import GPT


def test_it_tells_what_the_model_computes(model: GPT, ids: torch.Tensor) -> None:
    text = ids[:1]
    seen = view(model, text[0].tolist(), position=9)
    chances = model(text)[0].softmax(-1)
    for at in range(1, 16):
        token = seen.tokens[at]
        assert token.text == str(ids[0, at].item())
        assert token.p == pytest.approx(chances[at - 1, ids[0, at]].item(), rel=1e-3)
        assert token.instead[0].p == pytest.approx(chances[at - 1].max().item(), rel=1e-3)
    assert seen.tokens[0].p is None
    layers = logit_lens(model, text)[:, 0].softmax(-1)
    assert seen.columns == [*range(10)]
    for n, row in enumerate(seen.layers):
        for at, cell in zip(seen.columns, row, strict=True):
            assert cell[0].text == str(layers[n, at].argmax().item())
    assert [word.text for word in seen.next] == [str(id) for id in chances[9].topk(3).indices.tolist()]
    assert seen.lens.shape == (3, 10)


def test_heads_are_told_by_how_much_they_look_at_one_token(model: GPT, ids: torch.Tensor) -> None:
    seen = view(model, ids[0])
    traced = trace(model, ids[:1])
    assert len(seen.looks) == 6
    for look in seen.looks:
        others = traced[f"h.{look.layer}.attn.weights"][0, look.head, 15, 1:15]  # not the first, and not itself
        assert (look.at, look.weight) == (1 + others.argmax().item(), pytest.approx(others.max().item(), rel=1e-4))
    assert [look.weight for look in seen.looks] == sorted((look.weight for look in seen.looks), reverse=True)
    assert seen.head == (seen.looks[0].layer, seen.looks[0].head)


def test_a_layer_and_a_head_may_be_chosen(model: GPT, ids: torch.Tensor) -> None:
    seen = view(model, ids[0], layer=1)
    assert {look.layer for look in seen.looks} == {1}
    assert seen.head[0] == 1
    seen = view(model, ids[0], layer=0, head=2)
    expected = trace(model, ids[0])["h.0.attn.weights"][0, 2]
    torch.testing.assert_close(torch.from_numpy(seen.attention.values), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_short_texts(model: GPT, ids: torch.Tensor, length: int) -> None:
    seen = view(model, ids[0, :length])
    assert len(seen.tokens) == len(seen.columns) == length <= COLUMNS
    assert all(0 <= look.at < length for look in seen.looks)


def test_places_that_are_not_there(model: GPT, ids: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="position 16 is not there"):
        view(model, ids[0], position=16)
    with pytest.raises(ValueError, match="layer 2 is not there"):
        view(model, ids[0], layer=2)
    with pytest.raises(ValueError, match="head 3 is not there"):
        view(model, ids[0], layer=0, head=3)


def test_chances_in_words() -> None:
    assert [percent(p) for p in (0.0, 1e-9, 0.001, 0.1254, 1.0)] == ["0.0%", "<0.1%", "0.1%", "12.5%", "100.0%"]
