"""All ways of learning merges give those of `bpe.learn_merges`, which counts the whole text after each merge."""

import doctest
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextword.native import library, merges
from nextword.tokenizer import bpe, incremental

needs_kernels = pytest.mark.skipif(library() is None, reason="no C kernels here")
STORY = Path(bpe.__file__).parent.parent / "data" / "story.txt"


def learned_in_c(pieces, n):
    tokens = [bytes([byte]) for byte in range(256)]
    for left, right in merges.learn_pairs(pieces, n):
        yield tokens[left], tokens[right]
        tokens.append(tokens[left] + tokens[right])


def written_out(pieces, n):
    """`bpe.learn_merges` for pieces that are cut already."""
    words = [[bytes([byte]) for byte in piece.encode()] for piece, times in pieces.items() for _ in range(times)]
    found = []
    while len(found) < n and (counts := Counter(pair for word in words for pair in pairwise(word))):
        found.append(max(counts, key=lambda pair: (counts[pair], pair)))
        words = [bpe.join(word, found[-1]) for word in words]
    return found


defined = cache(bpe.learn_merges)

both = pytest.mark.parametrize(
    "learn", [incremental.learn_pairs, pytest.param(learned_in_c, marks=needs_kernels)], ids=["python", "c"]
)


@both
@settings(max_examples=60)
@given(
    pieces=st.dictionaries(st.text("ab", max_size=12) | st.text("aé\0", max_size=6), st.integers(1, 3), max_size=12),
    n=st.integers(0, 30),
)
def test_small_alphabets_full_of_ties(learn, pieces, n):
    found = [*learn(pieces, n)]
    assert found == written_out(pieces, n)
    assert len({left + right for left, right in found}) == len(found)  # no token is made twice


@both
def test_a_story(learn):
    text = STORY.read_text(encoding="utf-8")[:10_000]
    assert [*learn(Counter(bpe.split(text)), 150)] == defined(text, 150)


@needs_kernels
def test_a_story_to_the_end():
    pieces = Counter(bpe.split(STORY.read_text(encoding="utf-8")))
    found = [*learned_in_c(pieces, 10**6)]
    assert found == [*incremental.learn_pairs(pieces, 10**6)]
    assert len(found) > 1_900


@both
@pytest.mark.parametrize("piece", ["a" * 1000, "ab" * 501 + "a", "aab" * 100])
def test_long_pieces_that_repeat_themselves(learn, piece):
    assert [*learn({piece: 2}, 20)] == written_out({piece: 2}, 20)


@both
def test_there_may_be_nothing_to_learn(learn):
    assert [*learn({}, 5)] == [*learn({"a": 7, "b": 1, "": 3}, 5)] == [*learn({"ab": 1}, 0)] == []


def test_examples_in_the_docstrings_are_true():
    assert doctest.testmod(incremental).failed == 0
