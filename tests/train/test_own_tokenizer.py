"""A run with a tokenizer of its own keeps it, and all that takes the run takes its tokenizer with it."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from train.runs import TEXT, train
from transformers import AutoModelForCausalLM, AutoTokenizer

import nextword
from nextword import lens
from nextword.errors import RunError, SettingError, TokenizerError
from nextword.lens.token_text import token_texts
from nextword.loading import load, load_engine
from nextword.native import library
from nextword.tokenizer import Vocabulary, bpe, load_tokenizer, save_tokenizer
from nextword.tokenizer.vocab import BYTE_TO_CHAR
from nextword.train import TrainConfig, Trainer

ENGINES = ["torch", "plain", *(["native"] if library() is not None else [])]


def of_size(n_vocab: int, directory: Path) -> str:
    """A tokenizer of so many ids: the text's merges, and then special tokens; or any two bytes, of very many."""
    pairs = bpe.learn_merges(TEXT, min(n_vocab - 257, 100))
    if n_vocab > 1000:  # special tokens would be looked for one by one
        joined = {left + right for left, right in pairs}
        two = ((bytes([a]), bytes([b])) for a in range(256) for b in range(256) if bytes([a, b]) not in joined)
        pairs += itertools.islice(two, n_vocab - 257 - len(pairs))
    tokens = [*(bytes([byte]) for byte in BYTE_TO_CHAR), *(left + right for left, right in pairs), b"<|endoftext|>"]
    marks = [f"<|{n}|>" for n in range(n_vocab - len(tokens))]
    special = {"<|endoftext|>": len(tokens) - 1} | {mark: len(tokens) + n for n, mark in enumerate(marks)}
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    tokens += [mark.encode() for mark in marks]
    save_tokenizer(directory, None, Vocabulary(tuple(tokens), ranks, special, "gpt2", special["<|endoftext|>"]))
    return str(directory)


@pytest.mark.parametrize("name", ["chars", "bytes", 300, 1000, 50304])
def test_it_is_kept_and_taken_along(name: str | int, config: TrainConfig, tmp_path: Path) -> None:
    tokenizer = name if isinstance(name, str) else of_size(name, tmp_path / "tokenizer")
    config = replace(config, tokenizer=tokenizer, steps=3, eval_every=3, sample_every=3)
    train(Trainer(config))
    run = Path(str(config.out))
    model, own = load(run)
    expected = {"chars": len(set(TEXT)), "bytes": 257}.get(str(name), name)
    assert model.config.n_vocab == own.n_vocab == expected
    written = json.loads((run / "config.json").read_text())
    assert (written["vocab_size"], written["eos_token_id"]) == (expected, own.eot_id)
    prompt = TEXT[:20]
    ids = own.encode(prompt)
    assert own.decode(ids) == prompt
    assert lens.trace(model, ids).tokens() == token_texts(ids, own.vocabulary)
    assert "".join(lens.trace(model, ids).tokens()).replace("↵", "\n") == prompt
    engines = [load_engine(run, "cpu", engine=one) for one in ENGINES]
    said = {nextword.generate(*engine, prompt, temperature=0, max_new_tokens=6) for engine in engines}
    assert len(said) == 1
    theirs, words = AutoModelForCausalLM.from_pretrained(run), AutoTokenizer.from_pretrained(run)
    assert words(prompt).input_ids == ids
    assert words.decode(ids) == prompt
    torch.testing.assert_close(theirs(torch.tensor([ids])).logits, model(torch.tensor([ids])), rtol=1e-4, atol=1e-4)
    for place in ("best", "checkpoints/step-00000003"):
        assert load_tokenizer(run / place).encode(prompt) == ids


def test_a_resumed_run_and_one_from_its_weights_go_on_with_its_tokenizer(config: TrainConfig, tmp_path: Path) -> None:
    directory = of_size(300, tmp_path / "tokenizer")
    config = replace(config, tokenizer=directory, steps=6, save_every=2)
    train(Trainer(config), until=4)
    for file in Path(directory).iterdir():
        file.unlink()  # the run has its own
    train(Trainer(config, resume=True))
    assert load(str(config.out))[1].n_vocab == 300
    with pytest.raises(RunError, match="`tokenizer` was"):
        Trainer(replace(config, tokenizer="bytes"), resume=True)
    further = replace(config, tokenizer=None, model=None, embedding_std=None, init=config.out)
    further = replace(further, out=str(tmp_path / "further"))
    trainer = Trainer(further)
    assert trainer.setup.tokenizer.n_vocab == trainer.setup.model.config.n_vocab == 300
    train(trainer)
    assert load(str(further.out))[1].encode(TEXT) == load(str(config.out))[1].encode(TEXT)
    with pytest.raises(SettingError, match="init brings its own tokenizer: leave out `tokenizer`"):
        replace(further, tokenizer="bytes")


def test_a_run_begins_with_its_tokenizer(config: TrainConfig) -> None:
    trainer = Trainer(replace(config, tokenizer="chars"))
    next(trainer.run())
    assert load_tokenizer(str(config.out)).n_vocab == len(set(TEXT))


def test_what_cannot_be_read_is_told_before_a_run_begins(config: TrainConfig) -> None:
    with pytest.raises(TokenizerError, match=re.escape("The character '漢' (U+6F22) is none of the ")):
        Trainer(replace(config, tokenizer="chars", prompt="漢"))
    with pytest.raises(TokenizerError, match="nowhere is no directory"):
        Trainer(replace(config, tokenizer="nowhere"))
    assert not Path(str(config.out)).exists()
