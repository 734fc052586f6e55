"""Text as a stream against the whole text split at once: documents, pieces, places of errors, and memory."""

import random
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextword.data import text_stream
from nextword.data.encodings import to_text
from nextword.data.files import BLOCK, file_of
from nextword.data.text_stream import decoded, documents, pieces
from nextword.errors import DataError
from nextword.tokenizer import Tokenizer
from nextword.tokenizer.patterns import cut

MARK = "<|endoftext|>"


def parts_of(text: str, seed: int) -> Iterator[str]:
    draw = random.Random(seed)
    while text:
        n = draw.choice([1, 2, 5, 30, 200])
        yield text[:n]
        text = text[n:]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from([MARK, "<|end", "oftext|>", "a b", " ", "\n", "one two 3", "...\n\n x", "字"])),
    st.integers(0, 99),
)
def test_documents_are_those_of_the_whole_text_split(words: list[str], seed: int) -> None:
    text = "".join(words)
    expected = [document for document in text.split(MARK) if document.strip()]
    longest, text_stream.LONGEST = text_stream.LONGEST, 8  # so that nearly all is cut
    try:
        found = [*pieces(parts_of(text, seed), MARK)]
    finally:
        text_stream.LONGEST = longest
    assert [*documents(found)] == expected
    assert [*documents(pieces(parts_of(text, seed), ""))] == ([text] if text.strip() else [])


def test_pieces_have_the_ids_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(1)
    words = ["The", " 12", "  ", "\n", "\n\n  ", "it's", "é", "—", " (so)", ".\n", "字字", "\t", "x_ y"]
    text = "".join(draw.choice(words) for _ in range(4000))
    monkeypatch.setattr(text_stream, "LONGEST", 50)
    found = [piece for piece, _ in pieces(parts_of(text, 2), MARK)]
    encode = Tokenizer().encode
    assert len(found) > 50
    assert [id for piece in found for id in encode(piece)] == list(encode(text))
    assert [part for piece in found for part in cut(piece, "gpt4")] == cut(text, "gpt4")


def test_a_word_of_millions_of_characters_is_read_in_linear_time_and_not_held_whole() -> None:
    block = "ACGT" * (BLOCK // 4)
    found = [*pieces((block for _ in range(40)), MARK)]
    assert "".join(text for text, _ in found) == block * 40
    assert [ends for _, ends in found] == [False] * (len(found) - 1) + [True]
    longest = text_stream.LONGEST_WORD + 2 * text_stream.LONGEST
    assert longest // 2 < max(len(text) for text, _ in found) < longest


def test_a_word_of_a_million_characters_is_one_piece() -> None:
    word = "ACGT" * 500_000
    assert [*pieces(["a ", word, " b"], MARK)] == [("a " + word + " b", True)]


@pytest.mark.parametrize("encoding", [None, "utf-16", "gbk", "utf-8-sig", "shift_jis"])
def test_a_file_is_decoded_as_at_once(encoding: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.data.files.BLOCK", 7)
    raw = "\ufeff".encode("utf-8") if encoding is None else b""
    raw += "one\r\ntwo\r\rあのひと 三\n".encode(encoding or "utf-8") * 9
    assert "".join(decoded(file_of("a", raw), encoding)) == to_text("a", raw, encoding)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_the_place_of_a_wrong_byte_is_that_in_the_file(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.data.files.BLOCK", size)
    for raw in (b"ab\n\xc3\xa9\nc\xe9d", b"ab\n\xc3", b"\xef\xbb\xbfabc\xff", "日本\n".encode() + b"\xe6\x97"):
        with pytest.raises(DataError) as expected:
            to_text("a", raw)
        with pytest.raises(DataError) as found:
            [*decoded(file_of("a", raw))]
        place = re.compile(r"a: not UTF-8: byte 0x.. at offset \d+ \(line \d+\)")
        assert place.match(str(found.value))[0] == place.match(str(expected.value))[0]


def test_nuls_beyond_the_first_megabyte_are_seen() -> None:
    raw = b"text " * (BLOCK // 5 + 1) + bytes(BLOCK)
    with pytest.raises(DataError, match=r"characters are NUL\. That is not what text looks like"):
        [*decoded(file_of("a", raw))]
