import doctest
import random
from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from tokenizer.texts import ALL_TOKENS, GPT2_PATTERN, HARD, judged_differently, texts, too_new

from nextword.tokenizer import Tokenizer, bpe, patterns, stream, tokenizer, vocab

fast = Tokenizer()
any_ids = st.lists(st.integers(0, 50256), max_size=40)


def assert_twins_agree(text: str, allow_special: bool = False) -> None:
    ids = bpe.encode(text, allow_special)
    assert ids == fast.encode(text, allow_special)
    assert bpe.decode(ids) == fast.decode(ids) == text


@pytest.mark.parametrize("module", [bpe, patterns, stream, tokenizer, vocab])
def test_examples_in_the_docstrings_are_true(module):
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("text", HARD)
@pytest.mark.parametrize("allow_special", [False, True])
def test_twins_agree_on_hard_texts(text, allow_special):
    assert_twins_agree(text, allow_special)


@given(text=texts, allow_special=st.booleans())
def test_twins_agree_on_any_text(text, allow_special):
    assert_twins_agree(text, allow_special)


def test_twins_agree_on_every_token_and_on_all_of_them_in_disorder():
    for token in ALL_TOKENS:
        assert_twins_agree(token)
    for seed in range(2):
        assert_twins_agree("".join(random.Random(seed).sample(ALL_TOKENS, 20_000)))


@given(text=st.text(alphabet=st.one_of(st.characters(categories=["Cs"]), st.sampled_from("a \n🙂")), max_size=12))
def test_surrogates_become_their_character_or_the_replacement_character(text):
    ids = bpe.encode(text)
    assert ids == fast.encode(text)
    assert bpe.decode(ids) == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_lone_surrogate_and_pair():
    assert bpe.encode("a\ud800b") == fast.encode("a\ud800b") == bpe.encode("a\ufffdb")
    assert bpe.encode("\ud83d\ude42") == fast.encode("\ud83d\ude42") == bpe.encode("🙂")


@given(ids=any_ids)
def test_twins_decode_any_ids_alike(ids):
    expected = b"".join(vocab.load_tokens()[id] for id in ids).decode("utf-8", "replace")
    assert bpe.decode(ids) == fast.decode(ids) == expected


@given(text=texts)
def test_pieces_are_those_of_openais_pattern(text):
    assert bpe.split(text) == regex.findall(GPT2_PATTERN, text)
    assert "".join(bpe.split(text)) == text


def test_twins_may_differ_only_on_characters_that_one_of_them_does_not_know():
    assert judged_differently(r"\p{Cn}") >= too_new()  # Cn: not assigned
    for character in sorted(too_new())[:100]:
        for encode in (bpe.encode, fast.encode):
            assert bpe.decode(encode(f"a{character}b 1{character}2")) == f"a{character}b 1{character}2"


def test_learned_merges_are_those_that_counting_by_hand_finds():
    """An independent loop over strings of bytes: no Counter, no join, pairs found by place."""
    text = "an ant and a panda and an anaconda, naïve naïveté\n\n  1984 1999" * 2
    pieces = [[bytes([byte]) for byte in piece.encode()] for piece in regex.findall(GPT2_PATTERN, text)]
    for merge in bpe.learn_merges(text, 25):
        found = [(piece[i], piece[i + 1]) for piece in pieces for i in range(len(piece) - 1)]
        assert found.count(merge) == max(map(found.count, found))
        assert merge == max(pair for pair in found if found.count(pair) == found.count(merge))
        for piece in pieces:
            i = 0
            while i < len(piece) - 1:
                if (piece[i], piece[i + 1]) == merge:
                    piece[i : i + 2] = [piece[i] + piece[i + 1]]
                i += 1


def test_learning_ends_where_no_pair_is_left():
    assert bpe.learn_merges("abc", 10) == [(b"b", b"c"), (b"a", b"bc")]
    assert bpe.learn_merges("", 3) == bpe.learn_merges("a b", 0) == []


@pytest.mark.parametrize("character", ["a", " ", "\n", "!", "é", "7", "中"])
def test_long_runs_take_no_minutes(character):
    assert_twins_agree(character * 20_000 + "x")


@given(piece=st.binary(max_size=30))
def test_merge_leaves_no_pair_that_could_be_joined(piece):
    tokens = bpe.merge(piece)
    assert b"".join(tokens) == piece
    assert not any(pair in vocab.load_merges() for pair in pairwise(tokens))


def test_merge_takes_the_lowest_rank_first_not_the_leftmost():
    rank = vocab.load_merges()
    assert rank[b"a", b"n"] < rank[b"b", b"a"]
    assert bpe.merge(b"banana") == [b"ban", b"ana"]  # and not "ba", "nana"


def test_join_goes_from_left_to_right():
    assert bpe.join([b"a"] * 5, (b"a", b"a")) == [b"aa", b"aa", b"a"]
    assert bpe.join([b"b", b"a"], (b"a", b"b")) == [b"b", b"a"]
    assert bpe.join([], (b"a", b"b")) == []


@pytest.mark.parametrize("bad", [-1, 50257, 2**40])
def test_id_out_of_range_is_named(bad):
    with pytest.raises(ValueError, match=f"id {bad} is not in GPT-2's vocabulary, whose ids go from 0 to 50256"):
        bpe.decode([15496, bad])
