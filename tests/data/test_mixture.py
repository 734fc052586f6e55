"""Weights: the share of the windows that each source has, the same whoever asks for them."""

from collections import Counter

import pytest
import torch

from nextword.data import Corpus, Windows, batch
from nextword.data.corpus import Share
from nextword.data.mixture import Mixture, cut_windows, encode_shares, per_epoch
from nextword.errors import DataError
from nextword.tokenizer import Tokenizer


def mixture(sizes: list[int], shares: list[float]) -> Mixture:
    """Sources of windows of 2 tokens; a token of source i is above 1000 i."""
    parts = [Windows(1000 * i + torch.arange(2 * n + 1), 2, 2) for i, n in enumerate(sizes)]
    return Mixture(tuple(parts), tuple(shares))


def firsts(mixture: Mixture, n: int, seed: int = 3, start: int = 0) -> list[int]:
    return [int(mixture.pick(start + position, seed)[0][0]) for position in range(n)]


def test_an_epoch_has_of_each_source_its_share() -> None:
    mixed = mixture([10, 90], [0.7, 0.3])
    assert len(mixed) == 100
    for epoch in range(3):
        seen = firsts(mixed, 100, start=100 * epoch)
        assert Counter(first // 1000 for first in seen) == {0: 70, 1: 30}


def test_each_source_is_passed_through_whole_before_any_window_comes_again() -> None:
    mixed = mixture([10, 90], [0.7, 0.3])
    seen = Counter(firsts(mixed, 300))
    assert {seen[2 * i] for i in range(10)} == {21}  # 210 of 300 windows are 21 passes of 10
    assert {seen[1000 + 2 * i] for i in range(90)} == {1}  # and 90 are one pass of 90


def test_a_batch_is_a_function_of_its_number_and_the_seed() -> None:
    mixed = mixture([30, 20], [0.5, 0.5])
    whole = [batch(mixed, 4, 1, index)[0] for index in range(9)]
    assert torch.equal(batch(mixed, 4, 1, 5)[0], whole[5])
    assert torch.equal(torch.cat(whole[:2]), batch(mixed, 8, 1, 0)[0])
    assert not torch.equal(batch(mixed, 4, 2, 5)[0], whole[5])


@pytest.mark.parametrize(
    ("n", "shares", "counts"),
    [
        (10, [0.5, 0.5], [5, 5]),
        (10, [1 / 3] * 3, [4, 3, 3]),
        (10, [0.999, 0.001], [9, 1]),
        (3, [0.98, 0.01, 0.01], [1, 1, 1]),
    ],
)
def test_shares_in_whole_windows(n: int, shares: list[float], counts: list[int]) -> None:
    assert per_epoch(n, shares) == counts


def test_each_source_gives_its_own_end_for_validation() -> None:
    documents = ("a b " * 200, "c d " * 50, "e f " * 50)
    corpus = Corpus("two", documents, "", shares=(Share("a", 0.5, 1), Share("c", 0.5, 2)))
    tokenizer = Tokenizer()
    parts, val_ids = encode_shares(corpus, tokenizer, 0.1)
    n_tokens = [len(tokenizer.encode(documents[0])), sum(len(tokenizer.encode(text)) for text in documents[1:]) + 1]
    assert [len(part) for part in parts] == [n - round(0.1 * n) for n in n_tokens]
    assert set(tokenizer.decode(val_ids.tolist()).split()) >= {"a", "b", "e", "f"}
    windows = cut_windows(parts, corpus, 16, 16, "whole")
    assert isinstance(windows, Mixture)
    assert windows.n_tokens == sum(map(len, parts))
    with pytest.raises(DataError, match=r"^c: \d+ tokens, but a window needs"):
        cut_windows(parts, corpus, 300, 16, "whole")


def test_without_weights_all_is_as_ever() -> None:
    corpus = Corpus("one", ("a b " * 200, "c d " * 50), "")
    parts, _ = encode_shares(corpus, Tokenizer(), 0.1)
    assert len(parts) == 1
    assert isinstance(cut_windows(parts, corpus, 16, 16, "whole"), Windows)


def test_a_small_source_may_be_read_several_times_in_an_epoch() -> None:
    mixed = mixture([20, 180], [0.5, 0.5])
    small = [first for first in firsts(mixed, 200) if first < 1000]
    assert Counter(small) == dict.fromkeys(range(0, 40, 2), 5)
