import hashlib
from importlib.resources import files

import pytest

from nextword.errors import NextwordError
from nextword.tokenizer import vocab


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_derived_ids_are_openais_encoder_json_byte_for_byte():
    expected = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"
    assert sha256(vocab.encoder_json().encode()) == expected


def test_vocabulary_is_whole():
    tokens = vocab.load_tokens()
    assert len(tokens) == len(set(tokens)) == vocab.N_VOCAB == 50257
    assert sorted(tokens[:256]) == [bytes([byte]) for byte in range(256)]
    assert tokens[vocab.END_OF_TEXT_ID] == b"<|endoftext|>"
    assert [vocab.load_ids()[token] for token in tokens[:-1]] == list(range(50256))
    assert b"<|endoftext|>" not in vocab.load_ids()


def test_each_merge_joins_two_earlier_tokens_into_the_next():
    ids = vocab.load_ids()
    assert list(vocab.load_merges().values()) == list(range(50000))
    for (left, right), rank in vocab.load_merges().items():
        assert ids[left + right] == 256 + rank > max(ids[left], ids[right])


def test_every_byte_prints_and_comes_back():
    every_byte = bytes(range(256))
    printable = vocab.to_printable(every_byte)
    assert len(set(printable)) == 256
    assert printable.isprintable()
    assert " " not in printable
    assert vocab.from_printable(printable) == every_byte
    assert vocab.to_printable(b"\n A\xc2") == "ĊĠAÂ"


def test_damaged_vocabulary_is_refused(tmp_path, monkeypatch):
    damaged = tmp_path / "vocab.bpe"
    damaged.write_bytes(vocab.read_vocab_bpe().replace(b"\n", b"\r\n"))  # as a careless checkout would
    monkeypatch.setattr(vocab, "_VOCAB_BPE", damaged)
    with pytest.raises(
        NextwordError, match=r"vocab\.bpe is damaged: expected SHA-256 1ce16647.*Install nextword again"
    ):
        vocab.read_vocab_bpe.__wrapped__()


def test_missing_vocabulary_is_explained(tmp_path, monkeypatch):
    monkeypatch.setattr(vocab, "_VOCAB_BPE", tmp_path / "vocab.bpe")
    with pytest.raises(NextwordError, match=r"cannot be read \(No such file or directory\)\. Install nextword again"):
        vocab.read_vocab_bpe.__wrapped__()


def test_openais_notice_travels_with_the_vocabulary():
    room = files("nextword.tokenizer")
    assert sha256(room.joinpath("vocab.bpe").read_bytes()) == vocab._VOCAB_BPE_SHA256
    about, notice = room.joinpath("LICENSE.openai").read_text(encoding="utf-8").split(f"\n{'-' * 80}\n\n")
    assert "vocab.bpe" in about
    assert "https://github.com/openai/gpt-2" in about
    assert notice.startswith("Modified MIT License\n\nSoftware Copyright (c) 2019 OpenAI\n")
    assert len(notice) == 1401  # LICENSE of that repository, word for word
