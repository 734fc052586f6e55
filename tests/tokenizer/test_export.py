import hashlib
import json
import unicodedata

import pytest
import tokenizers
from hypothesis import given, settings
from tokenizer.texts import ALL_TOKENS, HARD, texts
from transformers import AutoTokenizer, GPT2TokenizerFast

from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer, save_tokenizer
from nextword.weights import save_huggingface

ours = Tokenizer()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "model"
    save_tokenizer(directory)
    (directory / "config.json").write_text(json.dumps({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}))
    return directory


def without(name, directory, tmp_path):
    for file in directory.iterdir():
        if file.name != name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.fixture(scope="module")
def auto(directory):
    return AutoTokenizer.from_pretrained(directory)


def assert_same(theirs, text):
    ids = ours.encode(text, allow_special=True)
    assert theirs.encode(text) == ids
    assert theirs.decode(ids) == text


def test_files_are_openais_and_no_other_is_left(directory):
    names = ["config.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"]
    assert sorted(file.name for file in directory.iterdir()) == names
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in directory.iterdir()}
    assert hashes["vocab.json"] == "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"
    assert hashes["merges.txt"] == "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"


def test_saving_again_replaces_what_is_there(tmp_path):
    (tmp_path / "vocab.json").write_text("damaged")
    save_tokenizer(tmp_path, 7)
    save_tokenizer(tmp_path)
    assert "model_max_length" not in json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert len(json.loads((tmp_path / "vocab.json").read_text())) == 50257
    assert len(list(tmp_path.iterdir())) == 4


def test_transformers_cuts_long_texts_at_the_models_context(tmp_path):
    save_huggingface(GPT(GPTConfig(n_ctx=7, n_embd=2, n_head=1, n_layer=1)), tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    long = "one two three four five six seven eight nine"
    assert theirs.model_max_length == 7
    assert theirs(long, truncation=True)["input_ids"] == ours.encode(long)[:7]


@pytest.mark.parametrize("text", HARD)
def test_auto_tokenizer_agrees_on_hard_texts(auto, text):
    assert_same(auto, text)


def known_to_all(text):
    """Without the characters that are not assigned: see bpe.py on Unicode's versions."""
    return "".join(character for character in text if unicodedata.category(character) != "Cn")


@settings(max_examples=200)
@given(text=texts.map(known_to_all))
def test_auto_tokenizer_agrees_on_any_text(auto, text):
    assert_same(auto, text)


def test_auto_tokenizer_agrees_on_every_token(auto):
    assert auto(ALL_TOKENS)["input_ids"] == [ours.encode(token, allow_special=True) for token in ALL_TOKENS]


@pytest.mark.parametrize("absent", [None, "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("loader", [AutoTokenizer, GPT2TokenizerFast])
def test_transformers_needs_only_part_of_the_files(loader, absent, directory, tmp_path):
    theirs = loader.from_pretrained(without(absent, directory, tmp_path))
    assert len(theirs) == 50257
    assert theirs.eos_token_id == theirs.bos_token_id == 50256
    for text in HARD:
        assert_same(theirs, text)


def test_tokenizers_library_reads_tokenizer_json(directory):
    theirs = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
    assert theirs.get_vocab_size() == 50257
    for text in HARD:
        ids = ours.encode(text, allow_special=True)
        assert theirs.encode(text).ids == ids
        assert theirs.decode(ids, skip_special_tokens=False) == text
    assert theirs.decode([15496, 50256], skip_special_tokens=True) == "Hello"
