import socket
import subprocess
import sys
from unittest.mock import patch

import numpy as np
import pytest
import regex
import tiktoken
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizer.texts import GPT2_PATTERN, texts

from nextword.tokenizer import Tokenizer, bpe, tokenizer
from nextword.tokenizer.vocab import load_ids

ours = Tokenizer()
theirs = tiktoken.Encoding(
    "gpt2-as-published",
    pat_str=GPT2_PATTERN,
    mergeable_ranks=load_ids(),
    special_tokens={"<|endoftext|>": 50256},
    explicit_n_vocab=50257,
)

# Published ids: the README files and tests of openai/tiktoken and huggingface/transformers.
KNOWN = {
    "Hello, I'm a language model,": [15496, 11, 314, 1101, 257, 3303, 2746, 11],
    "hello world": [31373, 995],
    " Hello world": [18435, 995],
    "": [],
    "<|endoftext|>": [27, 91, 437, 1659, 5239, 91, 29],
    "Every effort moves you": [6109, 3626, 6100, 345],
}


@pytest.mark.parametrize("text", KNOWN)
def test_known_ids(text):
    assert ours.encode(text) == bpe.encode(text) == KNOWN[text]
    assert ours.decode(KNOWN[text]) == text


def test_numbers_of_the_vocabulary():
    assert (ours.n_vocab, ours.eot_id) == (50257, 50256)


@given(text=texts, allow_special=st.booleans())
def test_same_ids_as_tiktoken_with_openais_pattern(text, allow_special):
    allowed = {"<|endoftext|>"} if allow_special else set()
    expected = theirs.encode(text, allowed_special=allowed, disallowed_special=())
    assert ours.encode(text, allow_special) == expected


def test_end_of_text_is_special_only_when_asked_for():
    text = "one  <|endoftext|>two<|endoftext|><|endoftext|>"
    assert 50256 not in ours.encode(text)
    assert ours.encode(text, allow_special=True) == [505, 220, 220, 50256, 11545, 50256, 50256]
    assert ours.encode("<|endoftext|>", allow_special=True) == [50256]
    assert ours.decode([50256]) == "<|endoftext|>"


@given(text=texts)
def test_a_prompt_has_the_ids_that_tiktoken_gives_with_all_special_tokens(text):
    assert ours.encode_prompt(text) == (theirs.encode(text, allowed_special="all") or [50256])


def test_an_empty_prompt_begins_a_document():
    assert ours.encode_prompt("") == [50256]
    assert ours.encode_prompt("<|endoftext|>") == [50256]


@pytest.mark.parametrize(
    "flat",
    [
        [15496, 11],
        (15496, 11),
        iter([15496, 11]),
        np.array([15496, 11], dtype=np.uint16),
        list(np.array([15496, 11])),
        torch.tensor([15496, 11]),
        torch.tensor([15496, 11], dtype=torch.int32),
        list(torch.tensor([15496, 11])),
    ],
    ids=lambda flat: type(flat).__name__,
)
def test_ids_may_come_in_any_container(flat):
    assert ours.decode(flat) == "Hello,"


def test_bytes_are_exact_where_text_cannot_be():
    assert ours.decode_bytes([8582]) == b"\xf0\x9f"
    assert ours.decode([8582]) == "\ufffd"
    assert ours.decode_bytes(range(256)) == bytes([*range(33, 127), *range(161, 173), *range(174, 256)]) + bytes(
        [*range(33), *range(127, 161), 173]
    )
    assert ours.decode_bytes([]) == b""


@pytest.mark.parametrize("decode", [ours.decode, ours.decode_bytes])
@pytest.mark.parametrize("bad", [-1, 50257, 2**40])
def test_id_out_of_range_is_named(decode, bad):
    with pytest.raises(ValueError, match=f"id {bad} is not in GPT-2's vocabulary, whose ids go from 0 to 50256"):
        decode([15496, bad, 11])


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (["a"], "str"),
        ([1.0], "float"),
        ([None], "NoneType"),
        ([[15496]], "list"),
        (torch.tensor([[15496]]), "list"),
        (torch.tensor([1.0]), "float"),
    ],
    ids=str,
)
def test_what_is_no_id_is_named(bad, kind):
    with pytest.raises(ValueError, match=f"an id is one integer from 0 to 50256, found {kind}. Pass a flat list"):
        ours.decode(bad)


@pytest.mark.parametrize("character", [" ", "\n", "a"])
def test_a_million_of_one_character(character):
    text = f"word{character * 1_000_000}"
    for tail in ("", "x", " <|endoftext|>"):
        assert ours.decode(ours.encode(text + tail)) == text + tail
    if character == " ":
        assert ours.encode(text) == [4775] + [220] * 1_000_000
        assert ours.encode(text + "x") == [4775] + [220] * 999_999 + [2124]
        assert ours.encode(text + "<|endoftext|>", allow_special=True) == [4775] + [220] * 1_000_000 + [50256]


@given(text=texts, long=st.integers(2, 6))
@example(text="two\n\n\n\n", long=2)  # "\n\n" is one token, and a run at the end is one piece
@example(text="two\n\n\n\n\nthree", long=2)
def test_cutting_long_white_space_changes_no_id(text, long):
    with patch.object(tokenizer, "_LONG", long):
        parts = list(tokenizer._cut_long_white_space(text))
        assert "".join(parts) == text
        assert ours.encode(text) == theirs.encode_ordinary(text)
    runs = [run.group() for part in parts for run in regex.finditer(r"\s+(?=\S)", part)]
    assert all(len(run) < long for run in runs)


def test_needs_no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the tokenizer went to the network")

    monkeypatch.setattr(socket, "socket", refuse)
    encoding, _ = tokenizer._load_encoding.__wrapped__()
    assert encoding.encode("hello world") == [31373, 995]


def test_brings_in_no_torch():
    code = "import sys, nextword.tokenizer as t; t.Tokenizer(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
