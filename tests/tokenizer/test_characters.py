"""Characters and bytes as tokens, by us and by `tokenizers`."""

from pathlib import Path

import pytest
import tokenizers
from tokenizer.texts import HARD

from nextword.errors import TokenizerError
from nextword.tokenizer import load_tokenizer, save_tokenizer
from nextword.tokenizer.characters import CharacterTokenizer, character_vocabulary

LINES = "First Citizen:\nBefore we proceed any further, hear me speak.\r\n\0 é漢🙂"


@pytest.mark.parametrize("documents", [[LINES], [LINES, "another one"]])
def test_characters_are_numbered_as_unicode_orders_them(documents: list[str], tmp_path: Path) -> None:
    save_tokenizer(tmp_path, 16, character_vocabulary(documents))
    ours = load_tokenizer(tmp_path)
    assert isinstance(ours, CharacterTokenizer)
    characters = sorted(set("".join(documents)))
    assert ours.n_vocab == len(characters) + (len(documents) > 1)
    assert ours.eot_id == (len(characters) if len(documents) > 1 else None)
    assert ours.encode(LINES) == [characters.index(character) for character in LINES]
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.encode(LINES).ids == ours.encode(LINES)
    assert theirs.decode(ours.encode(LINES)) == ours.decode(ours.encode(LINES)) == LINES
    stream = ours.stream()
    assert [stream.feed(id) for id in ours.encode(LINES)] == list(LINES)
    if ours.eot_id is not None:
        assert ours.encode("a<|endoftext|>e", allow_special=True) == [*ours.encode("a"), ours.eot_id, *ours.encode("e")]


def test_a_character_that_is_none_of_them_is_named() -> None:
    ours = CharacterTokenizer(character_vocabulary(["ab c"]))
    with pytest.raises(TokenizerError, match=r"character 'é' \(U\+00E9\) is none of the 4 that this model's tokenizer"):
        ours.encode("abé")
    with pytest.raises(ValueError, match="prompt is empty"):
        ours.encode_prompt("")


def test_surrogates_count_as_their_character() -> None:
    ours = CharacterTokenizer(character_vocabulary(["a\ud83d\ude42\ud800"]))
    assert ours.decode(ours.encode("\ud83d\ude42a\ud800")) == "🙂a\ufffd"


def test_bytes_are_their_own_ids(tmp_path: Path) -> None:
    ours = load_tokenizer("bytes")
    assert (ours.n_vocab, ours.eot_id) == (257, 256)
    save_tokenizer(tmp_path, 16, ours.vocabulary)
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in HARD:
        if "<|endoftext|>" not in text:
            assert ours.encode(text) == [*text.encode()] == theirs.encode(text).ids
        assert ours.decode(ours.encode(text)) == text
    assert load_tokenizer(tmp_path).encode("é<|endoftext|>", allow_special=True) == [0xC3, 0xA9, 256]
