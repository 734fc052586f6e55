import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from train.runs import TINY

from nextword.data import read_corpus
from nextword.data.sources import TEXT_SUFFIXES
from nextword.errors import DataError, RunError
from nextword.model import GPT
from nextword.train.job import beginning, changes_in_numerics, check_unchanged, prepare, run_path
from nextword.weights import save_huggingface


@pytest.fixture
def job(config):
    return prepare(config)


def test_where_a_run_is_kept(config):
    assert run_path(config) == Path(config.out)
    assert run_path(replace(config, out=None)) == Path("runs/ferry")
    assert run_path(replace(config, out=None, data=("-", "story"))) == Path("runs/stdin-and-1-more")


def test_nothing_is_written(config, tmp_path):
    prepare(config)
    assert [path.name for path in tmp_path.iterdir()] == ["ferry.txt"]


def test_the_text_is_split_before_it_is_cut(job, config, text):
    ids = torch.tensor(job.tokenizer.encode(text.read_text()))
    n_val = round(0.1 * len(ids))
    assert torch.equal(job.windows.ids.long(), ids[:-n_val])
    assert torch.equal(job.val_ids.long(), ids[-n_val:])
    assert job.windows[1][0].tolist() == ids[16:32].tolist()  # the stride is the window
    assert prepare(replace(config, stride=3)).windows[1][0].tolist() == ids[3:19].tolist()


def test_the_seed_alone_decides_on_the_weights(config):
    first = prepare(config).model
    torch.rand(100)
    again, other = prepare(config).model, prepare(replace(config, seed=2)).model
    assert torch.equal(first.wte.weight, again.wte.weight)
    assert not torch.equal(first.wte.weight, other.wte.weight)


def test_dropout_is_the_one_asked_for(config, tmp_path):
    assert prepare(config).model.config.dropout == 0.2
    assert prepare(replace(config, dropout=0.0)).model.config.dropout == 0.0
    save_huggingface(GPT(replace(TINY, dropout=0.7)), tmp_path / "init")
    model = prepare(replace(config, model=None, embedding_std=None, init=str(tmp_path / "init"))).model
    dropouts = [model.config.dropout, *(m.dropout for m in model.modules() if hasattr(m, "dropout"))]
    assert len(dropouts) == 1 + 2 * TINY.n_layer
    assert set(dropouts) == {0.2}


def test_init_takes_the_weights_as_they_are(config, tmp_path):
    torch.manual_seed(5)
    model = GPT(TINY)
    save_huggingface(model, tmp_path / "init")
    job = prepare(replace(config, model=None, embedding_std=None, init=str(tmp_path / "init"), lr=None))
    for (name, p), q in zip(model.named_parameters(), job.model.parameters(), strict=True):
        assert torch.equal(p, q), name
        assert q.requires_grad
    assert job.plan.lr == pytest.approx(3e-4 * 768 / TINY.n_embd / 10)


def test_a_window_longer_than_the_model_reads(config):
    with pytest.raises(ValueError, match="--window 33 is more than the model can read: use 32 or less"):
        prepare(replace(config, window=33))


def test_the_length_that_is_advised_can_be_used(config, text):
    """By the model and by the text, in whichever is less; advice was once followed by other advice."""
    for given, advised in ((text.read_text(), 32), (" ".join(["a"] * 24), 21)):
        text.write_text(given)
        with pytest.raises(ValueError, match=f"is more than the model can read: use {advised} or less"):
            prepare(replace(config, window=100_000))
        prepare(replace(config, window=advised))


def test_a_text_shorter_than_a_window(config, text):
    text.write_text("Too short.")
    with pytest.raises(DataError, match=r"ferry.*a window needs"):
        prepare(config)


def test_the_prompt_is_how_the_text_begins(job, config):
    assert job.prompt == "The ferry left at seven, with"
    assert prepare(replace(config, prompt="Once")).prompt == "Once"
    assert beginning("\n a\n\nb\tc d e f g h", job.tokenizer) == "a b c d e f"
    assert beginning("a", job.tokenizer) == "a"


@pytest.mark.parametrize(
    "unbroken",
    [
        "GATTACA" * 30_000,
        "河对岸的旧船慢慢地走，没有人说一句话。" * 120,
        "河对岸的旧船慢慢地走，没有人说一句话。\n" * 120,
    ],
)
def test_of_a_text_without_blanks_the_prompt_is_its_first_tokens(job, unbroken):
    """Not the whole of it, which samples.md would repeat after each step."""
    found = beginning(unbroken, job.tokenizer)
    assert unbroken.startswith(found)
    assert "\ufffd" not in found
    assert 10 <= len(job.tokenizer.encode(found)) <= 12


def test_words_of_other_scripts_are_whole(job):
    assert beginning("नदी के पार पुरानी नाव धीरे धीरे चलती है।", job.tokenizer) == "नदी के पार पुरानी नाव धीरे"


def test_a_description_says_everything_and_survives_json(job, config, text):
    said = json.loads(json.dumps(job.describe()))
    assert said["config"]["lr"] == 0.01
    assert said["config"]["seed"] == 1
    assert said["plan"]["steps"] == 12
    assert said["model"]["n_embd"] == 8
    sha256 = hashlib.sha256(text.read_bytes()).hexdigest()
    assert said["data"] == {
        "name": "ferry",
        "sha256": sha256,
        "sources": list(config.data),
        "suffixes": list(TEXT_SUFFIXES),
        "documents": 1,
        "train_tokens": 297,
        "val_tokens": 33,
    }
    assert (said["config"]["separator"], said["config"]["encoding"]) == ("<|endoftext|>", None)
    assert said["versions"].keys() == {"nextword", "torch", "python"}
    assert said["device"] == "cpu"
    assert said["dtype"] == "float32"
    check_unchanged(Path("run"), config, job.corpus, said)
    assert changes_in_numerics(job, said) == []


def test_every_difference_is_named(job, config):
    said = json.loads(json.dumps(job.describe()))
    said["data"]["sha256"] = "other"
    del said["config"]["clip"]  # written before there was such a setting
    changed = replace(config, lr=0.02, batch_size=3, seed=9)
    with pytest.raises(RunError) as error:
        check_unchanged(Path("run"), changed, job.corpus, said)
    message = str(error.value)
    assert message.startswith("run cannot be resumed differently from how it was begun: ")
    assert (
        "--batch-size was 2 and is 3; --lr was 0.01 and is 0.02; --clip was left out and is 1.0; --seed was 1 and is 9"
        in message
    )
    assert "the text of ferry has changed (its SHA-256 differs)" in message
    assert message.endswith("use --init run and another --out.")


def test_the_same_text_under_another_name_is_the_same(job, config, text):
    said = json.loads(json.dumps(job.describe()))
    text.rename(text.with_name("other.txt"))
    moved = replace(config, data=(str(text.with_name("other.txt")),), out="elsewhere")
    check_unchanged(Path("run"), moved, read_corpus(moved.data), said)


def test_what_changes_the_last_digits_is_told(job):
    said = json.loads(json.dumps(job.describe()))
    said["versions"]["torch"] = "1.0"
    said["dtype"] = "bfloat16"
    said["device"] = "cuda"
    said["threads"] += 1
    said["kernels"] = not said["kernels"]
    told = changes_in_numerics(job, said)
    assert [message.split(" was ")[0] for message in told] == [
        "PyTorch",
        "The device",
        "The dtype",
        "The number of threads",
        "The use of nextword's own kernels",
    ]
    assert told[0] == f"PyTorch was 1.0 and is {torch.__version__}: the rest of this run may differ in its last digits."


def test_whether_our_kernels_were_there_is_recorded_and_told_in_words(job, monkeypatch):
    monkeypatch.setattr("nextword.train.job.library", lambda: object())
    said = json.loads(json.dumps(job.describe()))
    assert said["kernels"] is True
    assert changes_in_numerics(job, said) == []
    monkeypatch.setattr("nextword.train.job.library", lambda: None)
    (told,) = changes_in_numerics(job, said)
    assert told.startswith("The use of nextword's own kernels was on and is off: the rest of this run may differ")
    del said["kernels"]  # written before it was recorded
    assert changes_in_numerics(job, said) == []
