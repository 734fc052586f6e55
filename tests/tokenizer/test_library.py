"""Tokenizers of other kinds go through the library that made them, or are refused with its name."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tokenizers

from nextword.errors import TokenizerError
from nextword.tokenizer import load_tokenizer, save_tokenizer
from nextword.tokenizer.library import LibraryTokenizer

TEXT = ["the piano was late, and the ferry came back for the piano"] * 20
SAID = "the piano came late"


def word_pieces() -> Any:
    made = tokenizers.BertWordPieceTokenizer()
    made.train_from_iterator(TEXT, 80, show_progress=False)
    return made


def unigrams() -> Any:
    made = tokenizers.SentencePieceUnigramTokenizer()
    made.train_from_iterator(TEXT, 60, special_tokens=["<unk>", "</s>"], unk_token="<unk>", show_progress=False)
    return made


def spaced() -> Any:
    made = tokenizers.ByteLevelBPETokenizer(add_prefix_space=True)
    made.train_from_iterator(TEXT, 300, show_progress=False)
    return made


@pytest.mark.parametrize("make", [word_pieces, unigrams, spaced])
def test_another_kind_of_tokenizer_json(make: Any, tmp_path: Path) -> None:
    theirs = make()
    theirs.save(str(tmp_path / "tokenizer.json"))
    ours = load_tokenizer(tmp_path)
    assert isinstance(ours, LibraryTokenizer)
    ids = ours.encode(SAID)
    assert ids == theirs.encode(SAID, add_special_tokens=False).ids
    assert ours.decode(ids) == theirs.decode(ids)
    assert ours.decode(ids).strip() == SAID
    stream = ours.stream()
    assert "".join([*map(stream.feed, ids), stream.finish()]) == ours.decode(ids)
    assert b"".join(ours.decode_bytes([id]) for id in ids).replace(b" ", b"") == SAID.replace(" ", "").encode() or (
        make is word_pieces
    )
    save_tokenizer(tmp_path / "again", 64, ours.vocabulary)
    assert load_tokenizer(tmp_path / "again").encode(SAID) == ids


def test_a_model_of_sentencepieces(tmp_path: Path) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT), model_writer=model, vocab_size=330, byte_fallback=True, hard_vocab_limit=False,
        minloglevel=2,
    )  # fmt: skip
    (tmp_path / "spiece.model").write_bytes(model.getvalue())
    theirs = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ours = load_tokenizer(tmp_path)
    assert ours.encode(SAID + " 漢") == theirs.encode(SAID + " 漢")
    assert ours.decode(ours.encode(SAID + " 漢")) == SAID + " 漢"
    assert (ours.n_vocab, ours.eot_id) == (theirs.get_piece_size(), theirs.eos_id())
    save_tokenizer(tmp_path / "again", 64, ours.vocabulary)
    assert load_tokenizer(tmp_path / "again").encode(SAID) == ours.encode(SAID)


@pytest.mark.parametrize(("file", "library"), [("tokenizer.json", "tokenizers"), ("spiece.model", "sentencepiece")])
def test_without_the_library_it_is_refused_with_its_name(
    file: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word_pieces().save(str(tmp_path / "tokenizer.json"))
    if file != "tokenizer.json":
        (tmp_path / "tokenizer.json").rename(tmp_path / file)
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(TokenizerError, match=rf"only the library {library} reads: pip install {library}"):
        load_tokenizer(tmp_path)


def test_special_tokens_that_a_text_spells_are_ordinary_unless_they_may(tmp_path: Path) -> None:
    theirs = word_pieces()
    theirs.save(str(tmp_path / "tokenizer.json"))
    ours = load_tokenizer(tmp_path)
    assert json.loads((tmp_path / "tokenizer.json").read_text())["model"]["type"] == "WordPiece"
    mark = theirs.token_to_id("[SEP]")
    assert mark in ours.encode("the [SEP] piano", allow_special=True)
    assert mark not in ours.encode("the [SEP] piano")
