"""The written-out windows against those that are cut on demand, and an epoch against what it promises."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nextword.data import Windows, plain


@settings(deadline=None)  # a busy machine is no error
@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5))
def test_windows_that_cut_evenly_are_those_of_the_fast_twin(n: int, window: int, stride: int) -> None:
    ids = torch.arange(50000, 50000 + (n - 1) * stride + window + 1, dtype=torch.int32)
    x, y = plain.windows(ids, window, stride)
    cut = Windows(ids, window, stride)
    assert x.shape == y.shape == (len(cut), window)
    assert x.dtype == y.dtype == torch.int64
    for i, (x_i, y_i) in enumerate(cut[i] for i in range(len(cut))):
        assert torch.equal(x[i], x_i)
        assert torch.equal(y[i], y_i)


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(1, 12), st.integers(1, 12))
def test_a_rest_that_fills_no_window_is_left_out(n_tokens: int, window: int, stride: int) -> None:
    if n_tokens <= window:
        return
    x, _ = plain.windows(torch.arange(n_tokens), window, stride)
    starts = [start for start in range(n_tokens) if start % stride == 0 and start + window + 1 <= n_tokens]
    assert x[:, 0].tolist() == starts
    assert len(x) == (n_tokens - 1 - window) // stride + 1


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 8), st.integers(0, 1000))
def test_an_epoch_holds_every_window_once(n: int, batch_size: int, seed: int) -> None:
    x = torch.arange(n * 3).view(n, 3)
    seen = list(plain.batches(x, x + 1, batch_size, seed))
    assert [len(batch) for batch, _ in seen] == [batch_size] * (n // batch_size) + [n % batch_size] * (
        n % batch_size > 0
    )
    assert sorted(row for batch, _ in seen for row in batch[:, 0].tolist()) == x[:, 0].tolist()
    assert all(torch.equal(batch + 1, targets) for batch, targets in seen)


@pytest.mark.parametrize(("other", "equal"), [(1, True), (2, False)])
def test_the_order_is_the_seeds(other: int, equal: bool) -> None:
    x = torch.arange(200).view(100, 2)
    state = torch.get_rng_state()
    a, b = (torch.cat([batch for batch, _ in plain.batches(x, x, 7, seed)]) for seed in (1, other))
    assert torch.equal(a, b) == equal
    assert torch.equal(state, torch.get_rng_state())
