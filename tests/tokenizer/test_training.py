import json
from pathlib import Path

import pytest
import tiktoken
import tokenizers
from tokenizer.texts import HARD

import nextword.native
from nextword.errors import DataError, NextwordError, SettingError
from nextword.tokenizer import Tokenizer, bpe, save_tokenizer
from nextword.tokenizer.patterns import PATTERNS
from nextword.tokenizer.training import train_vocabulary

STORY = (Path(bpe.__file__).parent.parent / "data" / "story.txt").read_text(encoding="utf-8")
MIXED = STORY + "\n".join(HARD) * 3
EOT = "<|endoftext|>"


@pytest.fixture(scope="module", params=["gpt2", "gpt4", "gpt4o"])
def vocabulary(request):
    return train_vocabulary([MIXED], 1000, request.param, (EOT, "<|user|>"))


def test_the_merges_are_those_of_the_definition():
    text = STORY[:5_000]
    found = train_vocabulary([text], 256 + 80 + 1)
    assert list(found.merges) == bpe.learn_merges(text, 80)
    assert found.n_vocab == 337
    assert found.end_of_text == found.special[EOT] == 336


def test_without_kernels_the_merges_are_the_same(monkeypatch):
    right = train_vocabulary([MIXED], 700)
    monkeypatch.setattr(nextword.native, "library", lambda: None)
    assert train_vocabulary([MIXED], 700).tokens == right.tokens


def test_ids_are_as_gpt2s(vocabulary):
    assert vocabulary.n_vocab == len(set(vocabulary.tokens)) == 1000
    assert [vocabulary.tokens[id] for id in (0, 220)] == [b"!", b" "]
    assert vocabulary.special == {EOT: 998, "<|user|>": 999}


@pytest.mark.parametrize("text", [*HARD, STORY[:2000], MIXED[-3000:]])
def test_all_readers_give_the_same_ids(vocabulary, text, tmp_path_factory):
    ids = bpe.encode(text, allow_special=True, vocabulary=vocabulary)
    assert bpe.decode(ids, vocabulary) == text
    assert Tokenizer(vocabulary).encode(text, allow_special=True) == ids
    directory = tmp_path_factory.getbasetemp() / vocabulary.pattern
    if not directory.exists():
        save_tokenizer(directory, vocabulary=vocabulary)
    theirs = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
    assert theirs.encode(text).ids == ids
    assert theirs.decode(ids, skip_special_tokens=False) == text
    ranks = {token: id for id, token in enumerate(vocabulary.tokens[:998])}
    by_ranks = tiktoken.Encoding("ours", pat_str=PATTERNS[vocabulary.pattern], mergeable_ranks=ranks,
                                 special_tokens=dict(vocabulary.special))  # fmt: skip
    assert by_ranks.encode(text, allowed_special="all") == ids


def test_transformers_gives_the_same_ids(vocabulary, tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers (extra: test) is the reference here")
    save_tokenizer(tmp_path, vocabulary=vocabulary)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in HARD:
        ids = bpe.encode(text, allow_special=True, vocabulary=vocabulary)
        assert theirs.encode(text) == ids
        assert theirs.decode(ids, clean_up_tokenization_spaces=False) == text
    assert theirs.eos_token_id == 998


def test_the_files_list_what_was_learned(vocabulary, tmp_path):
    save_tokenizer(tmp_path, vocabulary=vocabulary)
    ids = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    assert sorted(ids.values()) == list(range(1000))
    assert ids["<|user|>"] == 999
    assert len((tmp_path / "merges.txt").read_text(encoding="utf-8").splitlines()) == 1 + 1000 - 256 - 2


def test_without_a_pattern_tokens_hold_several_words():
    found = train_vocabulary([STORY[:4000]], 256 + 300, "none", special=())
    assert found.end_of_text is None
    assert any(b" " in token.strip() for token in found.tokens)


def test_progress_is_told():
    told = []
    train_vocabulary([STORY], 600, progress=lambda *what: told.append(what))
    assert told[0] == ("count", len(STORY), None)
    assert told[-1] == ("merge", 343, 343)


@pytest.mark.parametrize(
    ("texts", "size", "options", "error", "words"),
    [
        ([STORY], 100, {}, SettingError, r"vocab_size must be at least 257, not 100: the 256 bytes and <\|endoftext"),
        ([STORY], 300, {"special": ("a", "a")}, SettingError, "special must be different texts"),
        ([STORY], 300, {"special": (" ",)}, SettingError, "special ' ' is a token like others"),
        ([STORY], 300, {"special": ("",)}, SettingError, "special must be different texts"),
        ([STORY], 300, {"special": ("e",)}, SettingError, r"special 'e' is a token like others"),
        ([STORY], 300, {"pattern": "gpt3"}, NextwordError, "gpt3 is not known: use gpt2, gpt4, gpt4o, none"),
        (
            ["abc"],
            300,
            {},
            DataError,
            r"has only 2 merges, and a vocabulary of 300 ids needs 43\. Give .* at most 259 ids",
        ),
        ([], 300, {}, DataError, "has only 0 merges"),
    ],
)
def test_errors_are_told_in_words(texts, size, options, error, words):
    with pytest.raises(error, match=words):
        train_vocabulary(texts, size, **options)
