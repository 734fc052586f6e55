"""Logits of all positions, whatever forward takes and gives back."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nextword.doctor.call import Call, Dropout, NoLogits, find_call

V, N = 11, 8


class Bare(nn.Module):
    """Says of each token what stands in a table, and how many there were."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(V, V)

    def logits(self, ids: Tensor) -> Tensor:
        assert ids.is_contiguous()
        return self.table(ids)

    def forward(self, ids: Tensor) -> Any:
        return self.logits(ids)


class Pair(Bare):
    def forward(self, idx: Tensor, targets: Tensor | None = None) -> Any:
        logits = self.logits(idx)
        if targets is None:
            return logits, None
        flat = logits.view(-1, V)
        return flat, F.cross_entropy(flat, targets.view(-1))


class LossFirst(Bare):
    def forward(self, x: Tensor, y: Tensor) -> Any:
        logits = self.logits(x)
        return F.cross_entropy(logits.flatten(0, 1), y.flatten()), logits


class Shortcut(Bare):
    def forward(self, idx: Tensor, targets: Tensor | None = None) -> Any:
        logits = self.logits(idx)
        return (logits[:, [-1]], None) if targets is None else (logits, logits.mean())


class LastOnly(Bare):
    def forward(self, ids: Tensor) -> Any:
        return self.logits(ids)[:, -1]


class Named(Bare):
    def forward(self, input_ids: Tensor, labels: Tensor | None = None) -> Any:
        return SimpleNamespace(loss=None, logits=self.logits(input_ids))


class Dictionary(Bare):
    def forward(self, ids: Tensor) -> Any:
        return {"hidden": torch.zeros(*ids.shape, 3), "logits": self.logits(ids)}


class WithCaches(Bare):
    def forward(self, ids: Tensor) -> Any:
        return self.logits(ids), [(torch.zeros(2, 3), torch.zeros(2, 3))]


class Flat(Bare):
    def forward(self, ids: Tensor) -> Any:
        return self.logits(ids).view(-1, V)


class Masked(Bare):
    def forward(self, ids: Tensor, mask: Tensor) -> Any:
        assert mask.dtype == torch.bool
        return self.logits(ids) + 0.0 * mask.sum()


class FixedLength(Bare):
    def forward(self, ids: Tensor) -> Any:
        return self.logits(ids) + torch.zeros(N, 1)


@pytest.mark.parametrize(
    ("cls", "takes"),
    [(Bare, "ids"), (Pair, "ids"), (LossFirst, "ids"), (Shortcut, "targets"), (LastOnly, "prefixes"), (Named, "ids"),
     (Dictionary, "ids"), (WithCaches, "ids"), (Flat, "ids"), (Masked, "ids"), (FixedLength, "ids")],
    ids=lambda value: getattr(value, "__name__", value),
)  # fmt: skip
def test_logits_are_got_out(cls: type[Bare], takes: str) -> None:
    model = cls()
    call = find_call(model, V, N)
    ids = torch.arange(2 * N).remainder(V).view(2, N)
    assert call.takes == takes
    assert torch.equal(call(model, ids), model.table(ids))
    assert torch.equal(call.last(model, ids), model.table(ids)[:, -1]) or cls is LossFirst


def test_the_loss_is_got_out() -> None:
    ids, targets = torch.tensor([[1, 2]]), torch.tensor([[2, 3]])
    for model in (Pair(), LossFirst()):
        right = F.cross_entropy(model.table(ids).flatten(0, 1), targets.flatten())
        loss = find_call(model, V, N).with_loss(model, ids, targets)
        assert loss is not None
        assert torch.allclose(loss, right)
    assert Call(V).with_loss(Bare(), ids, targets) is None


def test_what_gives_no_logits_is_refused_with_what_it_gives() -> None:
    with pytest.raises(NoLogits, match=r"a tensor of shape \(2, 5, 3\)"):
        find_call(nn.Embedding(V, 3), V, N)


def test_dropout_can_be_kept_away_and_heard() -> None:
    heard: list[int] = []
    x = torch.ones(100)
    with Dropout(allow=False, heard=lambda: heard.append(1)):
        assert torch.equal(F.dropout(x, 0.5), x)
        assert torch.equal(F.dropout(x, 0.5, training=False), x)
        q = torch.ones(1, 1, 3, 4)
        assert torch.equal(F.scaled_dot_product_attention(q, q, q, None, 0.5, True), q)
        assert torch.equal(F.scaled_dot_product_attention(q, q, q, dropout_p=0.5, is_causal=True), q)
    assert len(heard) == 3
    with Dropout(allow=True):
        assert not torch.equal(F.dropout(x, 0.5), x)
