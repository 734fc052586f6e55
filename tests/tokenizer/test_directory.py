"""Tokenizers from elsewhere, and ours, encode as `tokenizers` and transformers do with the same files."""

import doctest
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from tokenizer.texts import HARD
from transformers import AutoTokenizer

from nextword.errors import TokenizerError
from nextword.tokenizer import GPT2, Tokenizer, Vocabulary, bpe, directory, load_tokenizer, save_tokenizer
from nextword.tokenizer.directory import load_vocabulary, make_tokenizer
from nextword.tokenizer.plain_tokenizer import PlainTokenizer
from nextword.tokenizer.ranks import fits_tiktoken
from nextword.tokenizer.vocab import BYTE_TO_CHAR, from_printable, to_printable

END = "<|endoftext|>"
TEXT = "el perro de la casa no es de los hombres, die Straße über den Fluß, def f(x):\n    for 漢字 in 2024\n" * 3
TORTURE = [
    *HARD,
    "I'LL WE'VE 1234567 \r\n\r\n\n x\r\ny  \n  z",
    "'\U000e0001\u200d\u202e\ufe0f\x7f\x80\x9f\x1b[0m",
    "<|user|><|endoftext|> <|user|>x<|endof<|endoftext|>text|>",
]


def vocabulary(order: str = "merges last", pattern: str = "gpt2", text: str = TEXT, n: int = 120) -> Vocabulary:
    """Train one on a text, with two special tokens, its ids in some order."""
    pairs = bpe.learn_merges(text, n)
    tokens = [*(bytes([byte]) for byte in BYTE_TO_CHAR), *(left + right for left, right in pairs)]
    marks = [END.encode(), b"<|user|>"]
    tokens = [*tokens, *marks] if order == "merges last" else [*marks, *reversed(tokens)]
    special = {mark.decode(): tokens.index(mark) for mark in marks}
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    return Vocabulary(tuple(tokens), ranks, special, pattern, special[END])


def same(one: Vocabulary, other: Vocabulary) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("tokens", "merges", "special", "pattern", "end_of_text", "files")
    )


def assert_agree(ours: Tokenizer, theirs: Any, texts: Iterable[str] = TORTURE) -> None:
    for text in texts:
        ids = ours.encode(text, allow_special=True)
        found = theirs.encode(text, add_special_tokens=False)
        assert ids == getattr(found, "ids", found), text
        assert ours.decode(ids) == text == theirs.decode(ids, skip_special_tokens=False)
        stream = ours.stream()
        assert "".join([*map(stream.feed, ids), stream.finish()]) == text


def test_examples_in_the_docstrings_are_true() -> None:
    assert doctest.testmod(directory) == (0, 1)


@pytest.mark.parametrize("order", ["merges last", "special first"])
@pytest.mark.parametrize("pattern", ["gpt2", "gpt4", "gpt4o", "none"])
def test_what_is_saved_is_read_by_us_and_by_others_to_the_same_ids(order: str, pattern: str, tmp_path: Path) -> None:
    made = vocabulary(order, pattern)
    save_tokenizer(tmp_path, 64, made)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}))
    ours = load_tokenizer(tmp_path)
    assert type(ours) is Tokenizer
    assert same(ours.vocabulary, made)
    assert_agree(ours, tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json")))
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert theirs.eos_token_id == made.end_of_text
    assert_agree(ours, theirs)


@pytest.mark.parametrize("order", ["merges last", "special first"])
@pytest.mark.parametrize("pattern", ["gpt2", "gpt4", "gpt4o", "none"])
def test_the_readable_twin_has_the_same_ids_for_any_vocabulary(order: str, pattern: str) -> None:
    made = vocabulary(order, pattern)
    fast, plain = make_tokenizer(made), make_tokenizer(made, plain=True)
    assert (type(fast), type(plain)) == (Tokenizer, PlainTokenizer)
    for text in (*TORTURE, "\ud83d\ude42 \ud800"):
        for allow_special in (False, True):
            assert fast.encode(text, allow_special) == plain.encode(text, allow_special)
        assert fast.decode(fast.encode(text)) == plain.decode(fast.encode(text))


@pytest.mark.parametrize("files", [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"), ("tokenizer.json",)])
def test_directories_of_any_layout(files: tuple[str, ...], tmp_path: Path) -> None:
    """As ByteLevelBPETokenizer leaves them, whose special tokens come first."""
    made = tokenizers.ByteLevelBPETokenizer()
    made.train_from_iterator([TEXT], 330, special_tokens=["<s>", END], show_progress=False)
    made.save_model(str(tmp_path))
    made.save(str(tmp_path / "tokenizer.json"))
    names = {"encoder.json": "vocab.json", "vocab.bpe": "merges.txt"}
    contents = {name: (tmp_path / names.get(name, name)).read_bytes() for name in files}
    for file in tmp_path.iterdir():
        file.unlink()
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    ours = load_tokenizer(tmp_path)
    assert (ours.n_vocab, ours.eot_id) == (made.get_vocab_size(), 1)
    for text in TORTURE:
        assert ours.encode(text) == ours.encode(text, allow_special=True) or END in text or "<s>" in text
        assert ours.encode(text, allow_special=True) == made.encode(text).ids or "<s>" in text


def test_added_tokens_come_after_gpt2s(tmp_path: Path) -> None:
    save_tokenizer(tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    theirs.add_special_tokens({"additional_special_tokens": ["<|user|>"]})
    theirs.save_pretrained(tmp_path)
    ours = load_tokenizer(tmp_path)
    assert (ours.n_vocab, ours.eot_id) == (50258, 50256)
    assert ours.encode("<|user|>Hello", allow_special=True) == [50257, 15496]
    assert_agree(ours, theirs)


def test_gpt2s_own_is_the_bundled_one(tmp_path: Path) -> None:
    save_tokenizer(tmp_path)
    assert load_vocabulary(tmp_path) is GPT2
    assert load_tokenizer("gpt2").vocabulary is GPT2
    assert load_vocabulary(tmp_path / "nothing") is None


def test_the_files_say_which_token_ends_a_text(tmp_path: Path) -> None:
    made = vocabulary()
    save_tokenizer(tmp_path, None, made)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**config, "eos_token": {"content": "<|user|>"}}))
    assert load_tokenizer(tmp_path).eot_id == made.special["<|user|>"]


def test_merges_that_no_training_made_are_those_of_the_list_all_the_same(tmp_path: Path) -> None:
    """tiktoken would join b and c to "bc" here, since it is a token; the list joins "b" + "c" never."""
    tokens = (*(bytes([byte]) for byte in range(256)), b"ab", b"abc", b"bcd", b"cd")
    pairs = [(b"a", b"b"), (b"ab", b"c"), (b"b", b"cd"), (b"c", b"d")]
    made = Vocabulary(tokens, {pair: rank for rank, pair in enumerate(pairs)})
    assert not fits_tiktoken(made)
    save_tokenizer(tmp_path, None, made)
    ours = load_tokenizer(tmp_path)
    assert type(ours) is PlainTokenizer
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in ("abcd", "bcd", "bc", "abcabcdbcd", "xbcdy"):
        assert ours.encode(text) == theirs.encode(text).ids


def test_trained_merges_fit_tiktoken_and_a_list_in_disorder_does_not() -> None:
    made = vocabulary()
    assert fits_tiktoken(made)
    backwards = {pair: -rank for pair, rank in made.merges.items()}
    assert not fits_tiktoken(Vocabulary(made.tokens, backwards, made.special))


def test_a_vocabulary_without_an_end_of_text() -> None:
    ours = make_tokenizer(Vocabulary(tuple(bytes([byte]) for byte in range(256)), {}))
    assert ours.eot_id is None
    assert ours.encode_prompt("a") == [97]
    with pytest.raises(ValueError, match=r"prompt is empty, and this vocabulary has no <\|endoftext\|> to begin from"):
        ours.encode_prompt("")
    with pytest.raises(ValueError, match="id 256 is not in this vocabulary, whose ids go from 0 to 255"):
        ours.decode([256])


@pytest.mark.parametrize("name", ["vocab.txt", "vocab.json", "merges.txt"])
def test_half_a_tokenizer_is_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{}" if name == "vocab.json" else "a b\n")
    with pytest.raises(TokenizerError, match=rf"has of its tokenizer only {name}, which is not enough\. With transfor"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"model": 3}', '{"model": {"vocab": {"a": 0}, "merges": ["a b"]}}'])
def test_damage_is_told_in_words(content: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(TokenizerError, match="its tokenizer cannot be read"):
        load_tokenizer(tmp_path)


def test_what_is_no_tokenizer_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"has no tokenizer\.json, nor vocab\.json and merges\.txt\. Give gpt2"):
        load_tokenizer(tmp_path)
    with pytest.raises(TokenizerError, match="elsewhere is no directory"):
        load_tokenizer(tmp_path / "elsewhere")
    with pytest.raises(TokenizerError, match="chars is made of the text to train on"):
        load_tokenizer("chars")


@pytest.mark.parametrize("pattern", ["gpt2", "gpt4", "none"])
@pytest.mark.parametrize("run", [" ", "\n", "a", "\u0301", "漢"])
def test_long_runs_of_one_character_are_no_trouble_by_any_pattern(pattern: str, run: str) -> None:
    ours = make_tokenizer(vocabulary(pattern=pattern))
    for text in (f"x{run * 300_000}", f"x{run * 300_000}x y"):
        assert ours.decode(ours.encode(text)) == text


@pytest.mark.parametrize("pattern", ["gpt4", "none"])
def test_what_is_cut_beforehand_has_the_same_ids(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = make_tokenizer(vocabulary(pattern=pattern))
    expected = [ours.encode(text) for text in TORTURE]
    monkeypatch.setattr("nextword.tokenizer.tokenizer._has_long_run", lambda text: True)
    assert [ours.encode(text) for text in TORTURE] == expected


def test_tokens_print_and_come_back() -> None:
    for token in vocabulary().tokens:
        assert from_printable(to_printable(token)) == token
