import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from train.runs import FERRY, TINY

from nextword.data.reading import TEXT_SUFFIXES
from nextword.errors import DataError, TrainingError
from nextword.model import GPT
from nextword.train.recorded_run import changes_in_numerics, check_unchanged
from nextword.train.setup import beginning, prepare, run_path
from nextword.weights import save_huggingface


@pytest.fixture
def config(config, text):
    """As everywhere, but with GPT-2's vocabulary."""
    text.write_text(FERRY)
    return replace(config, tokenizer=None)


@pytest.fixture
def prepared(config):
    return prepare(config)


def test_where_a_run_is_kept(config):
    assert run_path(config) == Path(config.out)
    assert run_path(replace(config, out=None)) == Path("runs/ferry")
    assert run_path(replace(config, out=None, data=("-", "story"))) == Path("runs/stdin-and-1-more")


def test_nothing_is_written(config, tmp_path):
    prepare(config)
    assert [path.name for path in tmp_path.iterdir()] == ["ferry.txt"]


def test_the_text_is_split_before_it_is_cut(prepared, config, text):
    ids = torch.tensor(prepared.tokenizer.encode(text.read_text()))
    n_val = round(0.1 * len(ids))
    assert torch.equal(prepared.windows.ids.long(), ids[:-n_val])
    assert torch.equal(prepared.val_ids.long(), ids[-n_val:])
    assert prepared.windows[1][0].tolist() == ids[16:32].tolist()  # the stride is the window
    assert prepare(replace(config, stride=3)).windows[1][0].tolist() == ids[3:19].tolist()


def test_sources_with_weights_and_a_column(config, text, tmp_path):
    (tmp_path / "other.csv").write_text("title,body\n" + "".join(f"One {n},It is story {n}.\n" for n in range(99)))
    data = (f"{text}:0.7", f"{tmp_path / 'other.csv'}:0.3")
    setup = prepare(replace(config, data=data, field="body"))
    assert setup.windows.shares == (0.7, 0.3)
    assert setup.describe()["data"]["train_tokens"] == sum(len(part.ids) for part in setup.windows.parts)
    assert setup.describe()["data"]["documents"] == 100
    assert len(setup.val_ids) < setup.windows.n_tokens / 8


def test_a_model_of_ones_own_size_is_built_and_described(config):
    own = prepare(replace(config, model=None, depth=1, n_ctx=32)).model.config
    assert (own.n_layer, own.n_head, own.n_embd, own.n_ctx, own.n_vocab) == (1, 1, 64, 32, 50257)


def test_the_seed_alone_decides_on_the_weights(config):
    first = prepare(config).model
    torch.rand(100)
    again, other = prepare(config).model, prepare(replace(config, seed=2)).model
    assert torch.equal(first.wte.weight, again.wte.weight)
    assert not torch.equal(first.wte.weight, other.wte.weight)


def test_dropout_is_the_one_asked_for(config, tmp_path):
    assert prepare(config).model.config.dropout == 0.2
    assert prepare(replace(config, dropout=0.0)).model.config.dropout == 0.0
    save_huggingface(GPT(replace(TINY, n_vocab=50257, dropout=0.7)), tmp_path / "init")
    model = prepare(replace(config, model=None, embedding_std=None, init=str(tmp_path / "init"))).model
    dropouts = [model.config.dropout, *(m.dropout for m in model.modules() if hasattr(m, "dropout"))]
    assert len(dropouts) == 1 + 2 * TINY.n_layer
    assert set(dropouts) == {0.2}


def test_init_takes_the_weights_as_they_are(config, tmp_path):
    torch.manual_seed(5)
    model = GPT(replace(TINY, n_vocab=50257))
    save_huggingface(model, tmp_path / "init")
    prepared = prepare(replace(config, model=None, embedding_std=None, init=str(tmp_path / "init"), lr=None))
    for (name, p), q in zip(model.named_parameters(), prepared.model.parameters(), strict=True):
        assert torch.equal(p, q), name
        assert q.requires_grad
    assert prepared.plan.lr == pytest.approx(3e-4 * 768 / TINY.n_embd / 10)


def test_a_window_longer_than_the_model_reads(config):
    with pytest.raises(ValueError, match=r"^window 33 is more than the model can read: use 32 or less"):
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


def test_the_prompt_is_how_the_text_begins(prepared, config):
    assert prepared.prompt == "The ferry left at seven, with"
    assert prepare(replace(config, prompt="Once")).prompt == "Once"
    assert beginning("\n a\n\nb\tc d e f g h", prepared.tokenizer) == "a b c d e f"
    assert beginning("a", prepared.tokenizer) == "a"


@pytest.mark.parametrize(
    "unbroken",
    [
        "GATTACA" * 30_000,
        "河对岸的旧船慢慢地走，没有人说一句话。" * 120,
        "河对岸的旧船慢慢地走，没有人说一句话。\n" * 120,
    ],
)
def test_of_a_text_without_blanks_the_prompt_is_its_first_tokens(prepared, unbroken):
    """Not the whole of it, which samples.md would repeat after each step."""
    found = beginning(unbroken, prepared.tokenizer)
    assert unbroken.startswith(found)
    assert "\ufffd" not in found
    assert 10 <= len(prepared.tokenizer.encode(found)) <= 12


def test_words_of_other_scripts_are_whole(prepared):
    assert beginning("नदी के पार पुरानी नाव धीरे धीरे चलती है।", prepared.tokenizer) == "नदी के पार पुरानी नाव धीरे"


def test_a_description_says_everything_and_survives_json(prepared, config, text):
    said = json.loads(json.dumps(prepared.describe()))
    assert said["config"]["lr"] == 0.01
    assert said["config"]["seed"] == 1
    assert said["plan"]["steps"] == 12
    assert said["model"]["n_embd"] == 8
    sha256 = hashlib.sha256(text.read_bytes()).hexdigest()
    # About 4.3 bytes a token: as many as the bytes of the text over its tokens, by the tokenizer itself.
    assert said["data"].pop("bytes_per_token") == pytest.approx(len(text.read_bytes()) / 330, rel=0.02)
    assert 3.0 < said["data"].pop("frequencies") < math.log(330)  # nats: the entropy of so few different tokens
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
    check_unchanged(Path("run"), config, prepared.corpus, said)
    assert changes_in_numerics(prepared, said) == []


def test_a_model_that_no_memory_holds_is_refused_before_it_is_drawn(config):
    with pytest.raises(TrainingError, match=r"99.9B parameters take 372.1 GiB for the weights alone, and .* is free"):
        prepare(replace(config, model=None, params="100B"))
