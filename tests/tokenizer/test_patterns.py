import pytest
import regex
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer.texts import HARD, texts

from nextword.tokenizer import bpe
from nextword.tokenizer.patterns import PATTERNS, PUBLISHED

tricky = st.text(alphabet="aZé中0٣½ '\n\r\t.!🙂\u0301sſltvKre\u2028\u3000", max_size=14)


@pytest.mark.parametrize("name", PUBLISHED)
@settings(max_examples=30)
@given(text=texts | tricky)
def test_pieces_are_those_of_the_pattern_that_files_have(name, text):
    assert regex.findall(PATTERNS[name], text) == regex.findall(PUBLISHED[name], text)


@pytest.mark.parametrize("name", PATTERNS)
@settings(max_examples=30)
@given(text=texts | tricky)
def test_pieces_joined_are_the_text(name, text):
    assert "".join(regex.findall(PATTERNS[name], text)) == text


@settings(max_examples=30)
@given(text=texts | tricky)
def test_gpt2s_is_the_readable_one(text):
    assert regex.findall(PATTERNS["gpt2"], text) == bpe.split(text)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("text", HARD)
def test_tiktoken_cuts_alike(name, text):
    """A piece that is a token is taken whole, so the ids tell where the cuts are."""
    tokens = [bytes([byte]) for byte in range(256)] + [piece.encode() for piece in regex.findall(PATTERNS[name], text)]
    ranks = {token: id for id, token in enumerate(dict.fromkeys(tokens))}
    encoding = tiktoken.Encoding(name, pat_str=PATTERNS[name], mergeable_ranks=ranks, special_tokens={})
    whole = [ranks[piece.encode()] for piece in regex.findall(PATTERNS[name], text)]
    assert encoding.encode_ordinary(text) == whole


@pytest.mark.parametrize("name", ["gpt2", "gpt4", "gpt4o"])
@settings(max_examples=30)
@given(text=texts | tricky)
def test_a_letter_or_a_number_before_white_space_ends_a_piece(name, text):
    """Training cuts long texts there, wherever they come from."""
    pieces = regex.compile(PATTERNS[name]).findall
    for end in regex.finditer(r"[\p{L}\p{N}](?=\s)", text):
        assert pieces(text[: end.end()]) + pieces(text[end.end() :]) == pieces(text)


def test_marks_stay_with_their_letters_in_gpt4os():
    assert bpe.split("বাংলা ভাষা", "gpt4o") == ["বাংলা", " ভাষা"]
    assert len(bpe.split("বাংলা ভাষা", "gpt2")) > 4
