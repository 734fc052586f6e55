"""GPT-2's tokenizer is recognised, whoever wrote its files, and others are not taken for it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from transformers import GPT2Tokenizer, GPT2TokenizerFast

from nextword.tokenizer import save_tokenizer
from nextword.tokenizer.recognising import KNOWN, OTHERS, difference


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("ours")
    save_tokenizer(directory, 1024)
    return directory


@pytest.fixture(scope="module")
def spanish(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another tokenizer of the same kind."""
    directory = tmp_path_factory.mktemp("spanish")
    made = tokenizers.ByteLevelBPETokenizer()
    made.train_from_iterator(["el perro de la casa no es de los hombres"] * 9, 300, special_tokens=["<|endoftext|>"])
    made.save_model(str(directory))
    made.save(str(directory / "tokenizer.json"))
    return directory


def changed(ours: Path, here: Path, name: str, change: Callable[[Any], object]) -> Path:
    """A directory with one of the files, changed."""
    content = json.loads((ours / name).read_text())
    change(content)
    (here / name).write_text(json.dumps(content))
    return here


def test_our_own_files_are_known_without_comparing_them(ours: Path) -> None:
    for name in ("vocab.json", "merges.txt", "tokenizer.json"):
        assert hashlib.sha256((ours / name).read_bytes()).hexdigest() in KNOWN
    assert difference(ours) is None


def test_a_directory_without_a_tokenizer_has_none_of_its_own(tmp_path: Path) -> None:
    assert difference(tmp_path) is None


@pytest.mark.parametrize("load", [GPT2Tokenizer, GPT2TokenizerFast])
def test_what_transformers_saves_is_gpt2s(load: Any, ours: Path, tmp_path: Path) -> None:
    load.from_pretrained(ours).save_pretrained(tmp_path)
    assert any((tmp_path / name).exists() for name in ("vocab.json", "tokenizer.json"))
    assert difference(tmp_path) is None


def test_what_tokenizers_saves_is_gpt2s(ours: Path, tmp_path: Path) -> None:
    theirs = tokenizers.Tokenizer.from_file(str(ours / "tokenizer.json"))
    theirs.save(str(tmp_path / "tokenizer.json"), pretty=False)
    theirs.model.save(str(tmp_path))
    assert difference(tmp_path) is None


def test_merges_are_pairs_or_words(ours: Path, tmp_path: Path) -> None:
    def into_pairs(content: dict[str, Any]) -> None:
        content["model"]["merges"] = [merge.split(" ") for merge in content["model"]["merges"]]
        del content["model"]["type"]  # which old versions left out

    assert difference(changed(ours, tmp_path, "tokenizer.json", into_pairs)) is None


def test_line_ends_version_line_and_names_of_openai_mean_nothing(ours: Path, tmp_path: Path) -> None:
    lines = (ours / "merges.txt").read_text().splitlines()[1:]
    (tmp_path / "vocab.bpe").write_bytes("\r\n".join(lines).encode())
    (tmp_path / "encoder.json").write_text(json.dumps(json.loads((ours / "vocab.json").read_text()), indent=2))
    assert difference(tmp_path) is None


def test_a_token_to_fill_up_with_says_nothing_and_others_are_named(ours: Path, tmp_path: Path) -> None:
    def add(token: str) -> Callable[[Any], object]:
        return lambda content: content["added_tokens"].append({"id": 50257, "content": token, "special": True})

    assert difference(changed(ours, tmp_path, "tokenizer.json", add("[PAD]"))) is None
    found = difference(changed(ours, tmp_path, "tokenizer.json", add("<|user|>")))
    assert found == "tokenizer.json: it has tokens of its own, such as '<|user|>'"


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt", "tokenizer.json"])
def test_another_tokenizer_is_told_by_any_of_its_files(name: str, spanish: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes((spanish / name).read_bytes())
    merges, ids = "merge 0 is 'd e' in it, and 'Ġ t' in GPT-2's", "'!' is id 1 in it, and id 0 in GPT-2's"
    assert difference(tmp_path) == f"{name}: {merges if name == 'merges.txt' else ids}"


def test_one_token_and_one_merge_are_enough(ours: Path, tmp_path: Path) -> None:
    def swap(content: dict[str, int]) -> None:
        content["Ġthe"], content["Ġof"] = content["Ġof"], content["Ġthe"]

    def lower(content: dict[str, Any]) -> None:
        content["normalizer"] = {"type": "Lowercase"}

    def drop(content: dict[str, Any]) -> None:
        content["model"]["merges"].pop()

    assert difference(changed(ours, tmp_path, "vocab.json", swap)) == (
        "vocab.json: 'Ġthe' is id 286 in it, and id 262 in GPT-2's"
    )
    found = difference(changed(ours, tmp_path, "tokenizer.json", lower))
    assert found == "tokenizer.json: it changes texts before it cuts them (normalizer)"
    found = difference(changed(ours, tmp_path, "tokenizer.json", drop))
    assert found == "tokenizer.json: it has 49999 merges, and GPT-2's has 50000"


@pytest.mark.parametrize("content", ["", "[]", '{"model": 3}', "\x00"])
def test_damage_is_a_difference(content: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    assert difference(tmp_path) == "tokenizer.json: it cannot be read"


@pytest.mark.parametrize("name", OTHERS)
def test_other_families_are_told_by_their_files(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x0a")
    assert difference(tmp_path) == f"{name}: it belongs to another kind of tokenizer"
