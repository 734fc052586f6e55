import itertools

import pytest

from nextword.serve.detokenizer import Detokenizer, Piece
from nextword.tokenizer import Tokenizer
from nextword.tokenizer.vocab import load_ids

TOKENIZER = Tokenizer()


def grow(ids: list[int], stop: list[str], offset: int = 0) -> list[Piece]:
    text, pieces = Detokenizer(stop, offset), []
    for n, id in enumerate(ids, 1):
        pieces.append(text.add(id, None, is_last=n == len(ids)))
        if pieces[-1].finish_reason:
            break
    return pieces


@pytest.mark.parametrize("stop", [["lo wor"], ["never", "o w"], ["world", " wo"], ["d"], ["xyz"]])
def test_a_stop_text_ends_it_wherever_tokens_break(stop: list[str]) -> None:
    whole = "Hello world"
    right = min((whole[: whole.index(text)] for text in stop if text in whole), key=len, default=whole)
    # Each character a token of its own, or the tokenizer's own two.
    for ids in (TOKENIZER.encode(whole), list(itertools.chain(*map(TOKENIZER.encode, whole)))):
        pieces = grow(ids, stop)
        assert "".join(piece.text for piece in pieces) == right
        assert pieces[-1].finish_reason == ("stop" if right != whole else "length")
        assert all(piece.finish_reason is None for piece in pieces[:-1])


def test_nothing_is_given_out_that_may_have_to_be_taken_back() -> None:
    pieces = grow(list(itertools.chain(*map(TOKENIZER.encode, "ababac!"))), ["abac"])
    assert [piece.text for piece in pieces] == ["", "", "", "ab", "", ""]
    assert pieces[-1].finish_reason == "stop"


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_character_that_was_begun_before_it_is_finished(cut: int) -> None:
    ids = [TOKENIZER.encode("a")[0], *(load_ids()[bytes([byte])] for byte in "🙂".encode()), TOKENIZER.encode("b")[0]]
    text = Detokenizer([], 1, after=ids[: 1 + cut])
    pieces = [text.add(id, None, is_last=n == 4 - cut) for n, id in enumerate(ids[1 + cut :])]
    assert [piece.text for piece in pieces] == [""] * (3 - cut) + ["🙂", "b"]
    assert [token.offset for piece in pieces for token in piece.tokens] == [1] * (4 - cut) + [2]


def test_characters_of_several_tokens_come_whole() -> None:
    ids = TOKENIZER.encode("a🙂b")
    assert [piece.text for piece in grow(ids, [])] == ["a", "", "🙂", "b"]
    assert [piece.text for piece in grow(ids[:2], [])] == ["a", "\ufffd"]


def test_tokens_come_with_the_text_that_they_begin_in() -> None:
    ids = TOKENIZER.encode("a🙂b and")
    pieces = grow(ids, [" an"], offset=10)
    tokens = [token for piece in pieces for token in piece.tokens]
    assert [(token.id, token.offset) for token in tokens] == list(zip(ids[:4], [10, 11, 11, 12], strict=True))


def test_a_model_that_ends_leaves_what_was_held_back() -> None:
    text = Detokenizer(["stop it"])
    first = text.add(TOKENIZER.encode("stop")[0], None, is_last=False)
    last = text.end(TOKENIZER.eot_id, None)
    assert (first.text, last.text, last.finish_reason) == ("", "stop", "stop")
    assert [(token.id, token.offset) for token in first.tokens + last.tokens] == [
        (TOKENIZER.encode("stop")[0], 0),
        (TOKENIZER.eot_id, 4),
    ]
