from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer.texts import HARD

from nextword.errors import NextwordError
from nextword.tokenizer import bpe, counting
from nextword.tokenizer.counting import CountingProcess, count_pieces, parts
from nextword.tokenizer.patterns import PATTERNS

LONG = "A tale, told in 2024; 中文 and कुछ शब्द\n\n  I'm here... " * 400


def counted(texts, pattern="gpt2"):
    return Counter(piece for text in texts for piece in bpe.split(text, pattern))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_any_number_of_processes_counts_the_same(pattern, monkeypatch):
    monkeypatch.setattr(counting, "AT_ONCE", 3_000)
    told = []
    texts = [LONG, *HARD, "x" * 10_000]
    right = counted(texts, pattern)
    assert count_pieces(texts, pattern, processes=1) == right
    assert count_pieces(iter(texts), pattern, processes=3, progress=told.append) == right
    assert told == sorted(told)
    assert told[-1] == sum(map(len, texts))


@settings(max_examples=50)
@given(text=st.text(alphabet="aé中7 \n.'\r🙂", max_size=40), pattern=st.sampled_from(sorted(PATTERNS)))
def test_long_texts_are_cut_where_their_pieces_are(text, pattern):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "AT_ONCE", 5)
        found = list(parts(text, pattern))
        assert "".join(found) == text
        assert counted(found, pattern) == counted([text], pattern)
        assert pattern != "none" or found == [text]


def test_special_tokens_are_not_counted():
    marks = ("<|endoftext|>", "<|user|>")
    assert count_pieces(["one<|endoftext|>two<|user|> three"], special=marks) == counted(["one", "two", " three"])
    assert count_pieces(["<|endoftext|>"], special=marks) == count_pieces([]) == Counter()


def test_an_error_of_the_texts_is_raised_and_no_process_is_left(monkeypatch):
    def texts():
        for _ in range(10):
            yield LONG
        raise ValueError("line 11 is broken")

    left = []
    monkeypatch.setattr(counting, "AT_ONCE", 3_000)
    monkeypatch.setattr(
        CountingProcess, "stop", lambda self, stop=CountingProcess.stop: (stop(self), left.append(self._process.poll()))
    )
    with pytest.raises(ValueError, match="line 11 is broken"):
        count_pieces(texts(), processes=2)
    assert len(left) >= 2
    assert None not in left


def test_a_lost_process_is_told_in_words():
    one = CountingProcess("gpt2")
    one._process.kill()
    with pytest.raises(NextwordError, match="memory ran out"):
        one.count(["a"])
    one.stop()
