"""Rows of different lengths, read on side by side, give the logits that each would give alone."""

import pytest
import torch
from conftest import TINY, randomize
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nextword.model import GPT, RowCache, fused, plain


@given(
    st.lists(st.integers(0, 10), min_size=1, max_size=4),
    st.lists(st.integers(1, 6), min_size=1).filter(lambda cuts: sum(cuts) <= 6),
    st.sampled_from([fused, plain]),
    st.integers(16, 16) | st.none(),
)
@settings(max_examples=60, deadline=None)
def test_rows_of_different_lengths_read_on_as_each_would_alone(
    begun: list[int], portions: list[int], ops: object, reach: int | None
) -> None:
    model = GPT(TINY, ops=ops).eval()  # type: ignore[arg-type]
    randomize(model)
    B, T = len(begun), sum(portions)
    texts = torch.randint(61, (B, 16), generator=torch.Generator().manual_seed(5))
    cache = RowCache(TINY, batch_size=B)
    cache.reach = reach or max(begun) + T
    with torch.inference_mode():
        for row, length in enumerate(begun):
            if length:
                model(texts[row : row + 1, :length], cache.row(row))
            cache.lengths[row] = length
        new = torch.stack([texts[row, length : length + T] for row, length in enumerate(begun)])  # (B, T)
        logits = torch.cat([model(part, cache) for part in new.split(portions, dim=1)], 1)  # (B, T, V)
        for row, length in enumerate(begun):
            alone = model(texts[row : row + 1, : length + T])[0, length:]
            torch.testing.assert_close(logits[row], alone, rtol=1e-4, atol=1e-5)
    assert cache.lengths.tolist() == [length + T for length in begun]


def test_a_row_that_is_not_at_work_keeps_what_it_has(model: GPT, ids: Tensor) -> None:
    cache = RowCache(TINY, batch_size=2)
    model(ids[:1, :5], cache.row(0))
    model(ids[1:, :16], cache.row(1))  # full
    cache.lengths.copy_(torch.tensor([5, 16]))
    cache.active.copy_(torch.tensor([False, False]))
    model(ids[:, :1].flip(0), cache)
    assert cache.lengths.tolist() == [5, 16]
    cache.active[0] = True
    torch.testing.assert_close(model(ids[:, 5:6], cache)[0, 0], model(ids)[0, 5], rtol=1e-4, atol=1e-5)
    assert cache.lengths.tolist() == [6, 16]


def test_a_row_cache_for_another_number_of_texts_is_refused(model: GPT, ids: Tensor) -> None:
    with pytest.raises(ValueError, match="the cache holds 3 texts side by side, but ids has 2"):
        model(ids, RowCache(TINY, batch_size=3))
