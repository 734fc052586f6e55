import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nextword.data import read_corpus
from nextword.errors import RunError
from nextword.train.recorded_run import changes_in_numerics, check_unchanged
from nextword.train.setup import prepare


@pytest.fixture
def prepared(config):
    return prepare(config)


def test_every_difference_is_named(prepared, config):
    said = json.loads(json.dumps(prepared.describe()))
    said["data"]["sha256"] = "other"
    del said["config"]["clip"]  # written before there was such a setting
    changed = replace(config, lr=0.02, batch_size=3, seed=9)
    with pytest.raises(RunError) as error:
        check_unchanged(Path("run"), changed, prepared.corpus, said)
    message = str(error.value)
    assert message.startswith("run cannot be resumed differently from how it was begun: ")
    assert (
        "`batch_size` was 2 and is 3; `lr` was 0.01 and is 0.02; `clip` was left out and is 1.0; `seed` was 1 and is 9"
        in message
    )
    assert "the text of ferry has changed (its SHA-256 differs)" in message
    assert message.endswith("use `init='run'` and another `out`.")


def test_the_same_text_under_another_name_is_the_same(prepared, config, text):
    said = json.loads(json.dumps(prepared.describe()))
    text.rename(text.with_name("other.txt"))
    moved = replace(config, data=(str(text.with_name("other.txt")),), out="elsewhere")
    check_unchanged(Path("run"), moved, read_corpus(moved.data), said)


def test_what_changes_the_last_digits_is_told(prepared):
    said = json.loads(json.dumps(prepared.describe()))
    said["versions"]["torch"] = "1.0"
    said["dtype"] = "bfloat16"
    said["device"] = "cuda"
    said["threads"] += 1
    said["kernels"] = not said["kernels"]
    told = changes_in_numerics(prepared, said)
    assert [message.split(" was ")[0] for message in told] == [
        "PyTorch",
        "The device",
        "The dtype",
        "The number of threads",
        "The use of nextword's own kernels",
    ]
    assert told[0] == f"PyTorch was 1.0 and is {torch.__version__}: the rest of this run may differ in its last digits."


def test_whether_our_kernels_were_there_is_recorded_and_told_in_words(prepared, monkeypatch):
    monkeypatch.setattr("nextword.train.setup.library", lambda: object())
    said = json.loads(json.dumps(prepared.describe()))
    assert said["kernels"] is True
    assert changes_in_numerics(prepared, said) == []
    monkeypatch.setattr("nextword.train.setup.library", lambda: None)
    (told,) = changes_in_numerics(prepared, said)
    assert told.startswith("The use of nextword's own kernels was on and is off: the rest of this run may differ")
    del said["kernels"]  # written before it was recorded
    assert changes_in_numerics(prepared, said) == []
