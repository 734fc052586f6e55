import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizer.texts import texts

from nextword.tokenizer import Tokenizer

tokenizer = Tokenizer()
some_ids = st.one_of(
    st.lists(st.integers(0, 50256), max_size=40),
    st.lists(st.integers(94, 255), max_size=40),  # single bytes, nearly all of them parts of characters
)


@given(ids=some_ids)
def test_stream_says_what_decode_says(ids):
    stream = tokenizer.stream()
    assert "".join([*map(stream.feed, ids), stream.finish()]) == tokenizer.decode(ids)


@given(text=texts.filter(lambda text: "\ufffd" not in text))
def test_no_half_character_and_no_needless_delay(text):
    stream, said, heard = tokenizer.stream(), "", b""
    for id in tokenizer.encode(text):
        said += stream.feed(id)
        heard += tokenizer.decode_bytes([id])
        assert text.startswith(said)
        assert said == heard.decode("utf-8", "ignore")
    assert stream.finish() == ""
    assert said == text


def test_an_unfinished_character_ends_as_the_replacement_character():
    stream = tokenizer.stream()
    assert [stream.feed(8582), stream.feed(25081), stream.feed(8582)] == ["", "🙂", ""]
    assert stream.finish() == "\ufffd"
    assert stream.finish() == ""
    assert stream.feed(15496) == "Hello"


def test_an_unfinished_character_gives_way_to_the_next_one():
    stream = tokenizer.stream()
    assert [stream.feed(8582), stream.feed(15496)] == ["", "\ufffdHello"]


def test_two_streams_do_not_mix():
    one, two = tokenizer.stream(), tokenizer.stream()
    assert one.feed(8582) == ""
    assert two.feed(15496) == "Hello"
    assert one.feed(25081) == "🙂"


@pytest.mark.parametrize("bad", [-1, 50257])
def test_id_out_of_range_is_named_and_spoils_nothing(bad):
    stream = tokenizer.stream()
    stream.feed(8582)
    with pytest.raises(ValueError, match=f"id {bad} is not in GPT-2's vocabulary"):
        stream.feed(bad)
    assert stream.feed(25081) == "🙂"
