"""Windows against plain slices, orders against what they promise, batches against a list of positions."""

import itertools
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nextword.data import Corpus, Windows, batch, encode_corpus, evaluation_batches, order, split
from nextword.errors import DataError

# Texts in which every token is its own position: a window then shows where it was cut.
shapes = st.tuples(st.integers(1, 60), st.integers(1, 20), st.integers(1, 25)).map(
    lambda drawn: (drawn[0] + drawn[1], drawn[1], drawn[2])  # n_tokens > window
)
sizes = st.integers(1, 12)


def text(n: int) -> torch.Tensor:
    return torch.arange(n, dtype=torch.int32)


# --- encode_corpus ---------------------------------------------------------------------------------------


def letters() -> Any:
    """A tokenizer of one id a character."""
    return SimpleNamespace(eot_id=50256, encode_array=lambda text: np.array([ord(letter) for letter in text]))


def test_documents_are_joined_by_one_end_of_text() -> None:
    ids = encode_corpus(Corpus("three", ("ab", "c", "de"), ""), letters())
    assert ids.dtype == torch.int32
    assert ids.tolist() == [97, 98, 50256, 99, 50256, 100, 101]


def test_one_document_has_no_end_of_text() -> None:
    assert encode_corpus(Corpus("one", ("ab",), ""), letters()).tolist() == [97, 98]


def test_end_of_text_spelled_out_is_ordinary_text() -> None:
    from nextword.tokenizer import Tokenizer

    tokenizer = Tokenizer()
    ids = encode_corpus(Corpus("tricky", ("a<|endoftext|>b", "c"), ""), tokenizer).tolist()
    assert ids.count(tokenizer.eot_id) == 1
    assert tokenizer.decode(ids) == "a<|endoftext|>b<|endoftext|>c"


# --- split -----------------------------------------------------------------------------------------------


@settings(deadline=None)  # a busy machine is no error
@given(st.integers(2, 300), st.floats(0, 0.99))
def test_split_keeps_every_token_once_and_in_order(n: int, val_fraction: float) -> None:
    train, val = split(text(n), val_fraction)
    assert train.tolist() + val.tolist() == list(range(n))
    assert len(val) == (max(2, round(n * val_fraction)) if val_fraction else 0)


def test_split_by_default_validates_on_the_last_tenth() -> None:
    train, val = split(text(1000))
    assert (len(train), val[0].item(), val[-1].item()) == (900, 900, 999)


@pytest.mark.parametrize("val_fraction", [-0.1, 1, 1.5, math.nan])
def test_split_refuses_what_is_no_fraction(val_fraction: float) -> None:
    with pytest.raises(ValueError, match=f"at least 0 and below 1, got {val_fraction}"):
        split(text(100), val_fraction)


# --- Windows ---------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(shapes)
def test_windows_are_plain_slices(shape: tuple[int, int, int]) -> None:
    n, window, stride = shape
    tokens = list(range(n))
    starts = list(range(0, n - window, stride))  # the twin: all regular starts, then the end if it is missed
    if starts[-1] + window != n - 1:
        starts.append(n - 1 - window)
    windows = Windows(text(n), window, stride)
    found = [(x.tolist(), y.tolist()) for x, y in map(windows.__getitem__, range(len(windows)))]
    assert found == [(tokens[s : s + window], tokens[s + 1 : s + window + 1]) for s in starts]


@settings(deadline=None)
@given(shapes)
def test_windows_reach_the_targets(shape: tuple[int, int, int]) -> None:
    n, window, stride = shape
    windows = Windows(text(n), window, stride)
    assert len(windows) == math.ceil((n - 1 - window) / stride) + 1
    seen: set[int] = set()
    for i in range(len(windows)):
        x, y = windows[i]
        assert x.shape == y.shape == (window,)
        assert torch.equal(y, x + 1)
        seen.update(y.tolist())
    assert n - 1 in seen
    if stride <= window:
        assert seen == set(range(1, n))


def test_windows_index_like_a_sequence() -> None:
    windows = Windows(text(20), 4, 3)
    assert len(windows) == 6
    assert [windows[i][0][0].item() for i in (-6, -1, 0, 5)] == [0, 15, 0, 15]
    for i in (6, -7):
        with pytest.raises(IndexError, match=f"window {i} of 6"):
            windows[i]


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.uint16])
def test_windows_own_their_memory(dtype: torch.dtype) -> None:
    ids = text(9).to(dtype)
    x, y = Windows(ids, 8, 8)[0]
    assert x.dtype == y.dtype == torch.int64
    y[:4] = -100  # as one does to leave targets out of the loss
    assert x.tolist() == list(range(8))
    assert ids.tolist() == list(range(9))


def test_windows_take_a_memory_mapped_text(tmp_path: Path) -> None:
    np.arange(50, dtype=np.int32).tofile(tmp_path / "ids")
    ids = torch.from_numpy(np.memmap(tmp_path / "ids", dtype=np.int32, mode="r+"))
    assert Windows(ids, 16, 16)[-1][1].tolist() == list(range(34, 50))


@pytest.mark.parametrize(
    ("n_tokens", "window", "message"),
    [
        (87, 256, "notes.txt: 87 tokens, but a window needs window + 1 = 257. Add text, or use `window=64`."),
        (
            256,
            256,
            "notes.txt: 256 tokens, but a window needs window + 1 = 257. Add text, or use `window=128`.",
        ),
        (65, 256, "notes.txt: 65 tokens, but a window needs window + 1 = 257. Add text, or use `window=64`."),
        (64, 256, "notes.txt: 64 tokens, but a window needs window + 1 = 257. Add text, or use `window=32`."),
        (5, 256, "notes.txt: 5 tokens, but a window needs window + 1 = 257. Add text."),
        (1, 1, "notes.txt: 1 token, but a window needs window + 1 = 2. Add text."),
        (0, 1, "notes.txt: 0 tokens, but a window needs window + 1 = 2. Add text."),
    ],
)
def test_a_text_too_short_says_what_would_fit(n_tokens: int, window: int, message: str) -> None:
    with pytest.raises(DataError) as error:
        Windows(text(n_tokens), window, 1, name="notes.txt")
    assert str(error.value) == message


@settings(deadline=None)
@given(st.integers(9, 5000))
def test_the_window_that_is_suggested_fits_and_its_double_does_not(n: int) -> None:
    with pytest.raises(DataError) as error:
        Windows(text(n), 10_000, 1)
    suggested = int(str(error.value).split("`window=")[1].rstrip("`."))
    assert len(Windows(text(n), suggested, 1)) >= 1
    with pytest.raises(DataError):
        Windows(text(n), 2 * suggested, 1)


@pytest.mark.parametrize(("window", "stride", "name"), [(0, 1, "window"), (-4, 1, "window"), (1, 0, "stride")])
def test_windows_refuse_sizes_below_one(window: int, stride: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1 token, got {min(window, stride)}"):
        Windows(text(9), window, stride)


# --- order -----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(0, 2**63), st.integers(0, 10**6))
def test_order_is_a_permutation_and_repeats(n: int, seed: int, epoch: int) -> None:
    first = order(n, seed, epoch)
    assert first.dtype == torch.int64
    assert sorted(first.tolist()) == list(range(n))
    assert torch.equal(first, order(n, seed, epoch))


def test_order_differs_between_all_near_seeds_and_epochs() -> None:
    orders = {tuple(order(50, seed, epoch).tolist()) for seed in range(12) for epoch in range(12)}
    assert len(orders) == 144  # (0, 1) and (1, 0), (1, 11) and (11, 1), (1, 0) and (10, ...) among them


def test_order_visits_no_place_more_often_than_chance() -> None:
    firsts = torch.stack([order(10, seed=3, epoch=epoch) for epoch in range(2000)])
    counts = torch.stack([(firsts == window).sum(0) for window in range(10)])  # (10 windows, 10 places)
    assert ((counts - 200).abs() < 80).all()  # 200 expected, standard deviation 13


def test_order_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    expected = order(100, 1, 2)
    batch(Windows(text(50), 4, 4), 3, seed=7, index=2)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(6)
    assert torch.equal(expected, order(100, 1, 2))


# --- batch -----------------------------------------------------------------------------------------------


def starts(pair: tuple[torch.Tensor, torch.Tensor]) -> list[int]:
    return pair[0][:, 0].tolist()


@settings(deadline=None)
@given(shapes, sizes, st.integers(0, 5))
def test_each_epoch_shows_every_window_once(shape: tuple[int, int, int], batch_size: int, seed: int) -> None:
    windows = Windows(text(shape[0]), *shape[1:])
    n = len(windows)
    stream: list[int] = []
    for index in range(math.ceil(3 * n / batch_size)):
        x, y = batch(windows, batch_size, seed, index)
        assert x.shape == y.shape == (batch_size, windows.window)
        assert x.dtype == y.dtype == torch.int64
        assert x.is_contiguous()
        assert y.is_contiguous()
        assert torch.equal(y, x + 1)
        stream += x[:, 0].tolist()
    everything = sorted(windows[i][0][0].item() for i in range(n))
    for epoch in range(3):
        shown = stream[epoch * n : (epoch + 1) * n]
        assert sorted(shown) == everything
        assert shown == [windows[i][0][0].item() for i in order(n, seed, epoch).tolist()]


def test_a_run_resumes_at_any_index() -> None:
    windows = Windows(text(100), 8, 5)
    whole = [starts(batch(windows, 4, 1, index)) for index in range(20)]
    for index in (19, 0, 7, 12):  # in no order at all
        assert starts(batch(windows, 4, 1, index)) == whole[index]


def test_batches_change_with_the_seed() -> None:
    windows = Windows(text(200), 8, 5)
    assert starts(batch(windows, 16, 0, 0)) != starts(batch(windows, 16, 1, 0))


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_share_the_stream_of_one_process(world_size: int) -> None:
    windows = Windows(text(100), 8, 5)
    for step in range(12):
        parts = [starts(batch(windows, 4, 9, step * world_size + rank)) for rank in range(world_size)]
        assert list(itertools.chain(*parts)) == starts(batch(windows, 4 * world_size, 9, step))


@pytest.mark.parametrize(("batch_size", "index"), [(0, 0), (1, -1)])
def test_batch_refuses_what_is_not_in_the_stream(batch_size: int, index: int) -> None:
    with pytest.raises(ValueError, match=f"batch_size must be at least 1 .* got {batch_size} and {index}"):
        batch(Windows(text(9), 2, 2), batch_size, 0, index)


# --- evaluation_batches ----------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(2, 200), st.integers(1, 30), sizes)
def test_evaluation_covers_every_target_once(n: int, window: int, batch_size: int) -> None:
    pairs = list(evaluation_batches(text(n), window, batch_size))
    assert [target for _, y in pairs for target in y.flatten().tolist()] == list(range(1, n))
    for x, y in pairs:
        assert x.dtype == y.dtype == torch.int64
        assert torch.equal(y, x + 1)
        assert x.size(0) <= batch_size
    assert all(x.size(1) == window for x, _ in pairs[:-1])
    assert len(pairs) == math.ceil((n - 1) // window / batch_size) + ((n - 1) % window > 0)


@pytest.mark.parametrize("n_tokens", [0, 1])
def test_evaluation_needs_a_token_to_predict(n_tokens: int) -> None:
    with pytest.raises(DataError, match=f"validation text: {n_tokens} token.* needs window \\+ 1 = 2"):
        next(evaluation_batches(text(n_tokens), 4))


def test_evaluation_refuses_sizes_below_one() -> None:
    with pytest.raises(ValueError, match="must be at least 1, got 0 and 2"):
        next(evaluation_batches(text(9), 0, 2))
