"""The tokenizer to read along with is tiktoken's twin, also while a text comes id by id."""

from hypothesis import given
from hypothesis import strategies as st

from nextword.tokenizer import Tokenizer
from nextword.tokenizer.plain_tokenizer import PlainTokenizer

FAST, PLAIN = Tokenizer(), PlainTokenizer()
TEXTS = st.text(st.sampled_from("aA é1🙂漢\n\ufffd'<|endoftext|>"), max_size=30)


@given(TEXTS)
def test_its_ids_and_texts_are_the_fast_ones(text: str) -> None:
    ids = PLAIN.encode_prompt(text)
    assert ids == FAST.encode_prompt(text)
    assert PLAIN.encode(text) == FAST.encode(text)
    assert PLAIN.decode(ids) == FAST.decode(ids)
    assert PLAIN.decode_bytes(ids) == FAST.decode_bytes(ids)


@given(st.lists(st.integers(0, 50256), max_size=20))
def test_ids_that_come_one_at_a_time_make_the_whole_text(ids: list[int]) -> None:
    """Whatever they are: most lists hold bytes that are no characters."""
    stream = PLAIN.stream()
    assert "".join([*map(stream.feed, ids), stream.finish()]) == FAST.decode(ids)


def test_a_character_is_held_back_until_it_is_whole() -> None:
    stream = PLAIN.stream()
    assert [stream.feed(id) for id in (8582, 25081, 11)] == ["", "🙂", ","]
    assert stream.feed(8582) == ""
    assert stream.finish() == "\ufffd"
    assert stream.finish() == ""
