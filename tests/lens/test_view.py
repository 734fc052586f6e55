import math
from pathlib import Path

import pytest
import torch

from nextword.lens import trace
from nextword.lens.plain import logit_lens
from nextword.lens.view import COLUMNS, MOST_BITS, PromptToken, percent, view
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
    with pytest.raises(ValueError, match="head 1 needs a layer"):
        view(model, ids[0], head=1)


def test_a_window_of_a_long_text_holds_what_is_asked_about(model: GPT, ids: torch.Tensor) -> None:
    for position, size, expected in ((15, 5, (11, 16)), (7, 5, (3, 8)), (2, 5, (0, 5)), (3, 20, (0, 16))):
        seen = view(model, ids[0], position=position)
        window = seen.window(size)
        assert window == range(*expected)
        part = seen.attention_in(window)
        assert part.values.tolist() == seen.attention.values[slice(*expected), slice(*expected)].tolist()
        assert [*part.axes[1].labels] == [str(id) for id in ids[0, slice(*expected)].tolist()]
    assert view(model, ids[0]).attention_in(range(11, 16)).title.endswith(", tokens 11 to 15 of 16")


def test_the_redder_the_more_surprising() -> None:
    reds = [
        PromptToken("a", logprob, []).redness for logprob in (None, 0.0, -6 * math.log(2), -12 * math.log(2), -99.0)
    ]
    assert reds == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])


def test_it_is_as_red_as_on_the_page() -> None:
    import nextword

    script = (Path(nextword.__file__).parent / "serve" / "page" / "tokens.js").read_text(encoding="utf-8")
    assert f"const FULL = {MOST_BITS:.0f};" in script


def test_chances_in_words() -> None:
    assert [percent(p, 0) for p in (0.0, 0.004, 0.006, 0.126)] == ["0%", "<1%", "1%", "13%"]
    assert [percent(p) for p in (0.0, 1e-9, 0.001, 0.1254, 1.0)] == ["0.0%", "<0.1%", "0.1%", "12.5%", "100.0%"]
