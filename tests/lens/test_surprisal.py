import math

import pytest
import torch

from nextword.lens import surprise, trace
from nextword.lens.surprisal import surprisal_of
from nextword.model import GPT


def test_it_is_the_loss_of_each_token(model: GPT, ids: torch.Tensor) -> None:
    found = surprise(model, ids[0])
    expected = torch.nn.functional.cross_entropy(model(ids[:1])[0, :-1], ids[0, 1:], reduction="none")
    assert math.isnan(found.values[0])
    torch.testing.assert_close(torch.from_numpy(found.values[1:]), expected.detach().double(), rtol=1e-4, atol=1e-4)
    assert f"{math.exp(expected.mean().item()):,.1f}" in found.title


def test_what_was_expected_instead(model: GPT, ids: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.lens.unembed.ROWS", 4)
    traced = trace(model, ids[:1])
    found = surprisal_of(model, traced["ln_f.out"][0, :-1], ids[0, 1:], 3)
    values, order = model(ids[:1])[0, :-1].log_softmax(-1).topk(3)
    assert torch.equal(found.top_ids, order)
    torch.testing.assert_close(found.top_logprob, values, rtol=1e-4, atol=1e-4)


def test_one_token_alone_surprises_nobody(model: GPT) -> None:
    assert "nan" in surprise(model, [3]).title
