import pytest
import torch

from nextword.lens import logit_lens
from nextword.lens.plain import logit_lens as written_out
from nextword.model import GPT


def test_it_is_the_plain_twin_with_words_to_it(model: GPT, ids: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.lens.unembed.ROWS", 5)  # 16 positions: the last part is a short one
    best = written_out(model, ids[:1])[:, 0].softmax(-1).max(-1)
    found = logit_lens(model, ids[0])
    torch.testing.assert_close(torch.from_numpy(found.values), best.values, rtol=1e-4, atol=1e-6)
    assert found.words is not None
    assert found.words.tolist() == [[str(id) for id in row] for row in best.indices.tolist()]
    assert [(axis.name, len(axis.labels)) for axis in found.axes] == [("after", 3), ("token", 16)]
    assert [*found.axes[0].labels] == ["embed", "h.0", "h.1"]


def test_several_texts_are_refused(model: GPT, ids: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"told of one text, and ids holds 2: give one of them, such as ids\[0\]"):
        logit_lens(model, ids)
