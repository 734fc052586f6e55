"""A class that somebody else wrote is trained, stopped, resumed and saved like ours."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from train.runs import equal, losses, newest, of, state, train, weights
from user_model.conftest import folder  # noqa: F401  (a fixture)
from user_model.own import source

import nextword
from nextword.errors import RunError, SymbolError, TrainingError
from nextword.model import CONFIGS
from nextword.train import TrainConfig, Trainer
from nextword.train.events import Sampled, Started, Warned


@pytest.fixture
def own(config: TrainConfig, folder: Path) -> TrainConfig:  # noqa: F811
    """The settings of a run of six steps with a class of one's own, found in the current folder."""
    (folder / "my_gpt2.py").write_text(source())
    return replace(
        config,
        model="my_gpt2:GPT",
        size="tiny",
        embedding_std=None,
        steps=6,
        eval_every=3,
        sample_every=3,
        dtype="auto",
    )


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(torch.arange(16).unsqueeze(0) * 7)


def test_what_a_run_leaves_computes_what_the_class_computes(own):
    trainer = Trainer(replace(own, data=("story",), tokenizer=None, steps=5))
    events = train(trainer)
    assert of(events, Warned) == []
    assert losses(events)[-1] < losses(events)[0]
    assert of(events, Started)[0].dtype == "float32"
    assert len(of(events, Sampled)[-1].text) > 0
    model, _ = nextword.load(own.out)
    torch.testing.assert_close(logits(model), logits(trainer.setup.model), rtol=1e-4, atol=1e-5)
    best = nextword.load(Path(own.out) / "best")[0]
    assert best.config == model.config
    told = json.loads((Path(own.out) / "run.json").read_text())
    assert (told["config"]["model"], told["config"]["size"]) == ("my_gpt2:GPT", "tiny")


def test_a_class_that_sees_the_future_is_warned_of(own, folder):  # noqa: F811
    (folder / "my_gpt2.py").write_text(source().replace(".tril()", ""))
    told = [warned.message for warned in of(train(Trainer(own)), Warned)]
    assert any(
        re.match(r"The logits at position \d+ changed by .* Its loss means nothing", message) for message in told
    )


def test_it_learns_what_ours_learns_from_the_same_weights(own, config):
    ours = Trainer(replace(config, steps=6, eval_every=3, sample_every=3, dropout=0.0))
    train(ours)
    begun = replace(own, init=f"{config.out}", tokenizer=None, size=None, out=f"{own.out}-own", dropout=0.0)
    again = replace(
        config,
        init=f"{config.out}",
        model=None,
        tokenizer=None,
        embedding_std=None,
        steps=6,
        eval_every=3,
        out=f"{own.out}-ours",
        dropout=0.0,
    )
    torch.testing.assert_close(
        torch.tensor(losses(train(Trainer(begun)))), torch.tensor(losses(train(Trainer(again)))), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("tied", [True, False])
def test_stopping_and_resuming_changes_not_one_bit(own, folder, tied):  # noqa: F811
    """With dropout on, and with a head of its own, which no GPT-2 directory holds."""
    (folder / "my_gpt2.py").write_text(source(tied=tied))
    whole = Trainer(replace(own, out=f"{own.out}-whole"))
    train(whole)
    train(Trainer(own), until=2)
    train(Trainer(own, resume=True), until=4)
    broken = Trainer(own, resume=True)
    train(broken)
    assert equal(weights(broken), weights(whole))
    found, expected = state(Path(own.out)), state(Path(f"{own.out}-whole"))
    assert [name for name in found if name != "checkpoints" and found[name] != expected[name]] == []
    if not tied:
        head = load_file(newest(Path(own.out)) / "own.safetensors")["head.weight"]
        assert torch.equal(head, broken.setup.model.inner.head.weight)


def test_what_is_not_exported_is_warned_of(own, folder):  # noqa: F811
    (folder / "my_gpt2.py").write_text(source(bias=False, tied=False))
    told = [event.message for event in of(train(Trainer(replace(own, steps=1))), Warned)]
    assert any("GPT has no h.*.attn.c_attn.bias" in message for message in told)
    assert any("The head's own weights (head.weight) differ" in message for message in told)
    assert nextword.load(own.out)[0].h[1].attn.c_attn.bias.abs().max() == 0


def test_products_may_be_in_bfloat16_where_that_is_asked_for(own):
    trainer = Trainer(replace(own, dtype="bfloat16", steps=2))
    train(trainer)
    assert all(p.dtype == torch.float32 for p in trainer.setup.model.parameters())


def test_a_frozen_parameter_stays_and_the_run_resumes(own, folder):  # noqa: F811
    frozen = source().replace(
        "        for p in self.param", "        self.pos.requires_grad_(False)\n        for p in self.param"
    )
    (folder / "my_gpt2.py").write_text(frozen)
    first = Trainer(own)
    before = first.setup.model.inner.pos.weight.clone()
    train(first, until=2)
    trainer = Trainer(own, resume=True)
    train(trainer)
    assert torch.equal(trainer.setup.model.inner.pos.weight, before)


def test_a_parameter_that_does_nothing_is_found_at_the_first_step(own, folder):  # noqa: F811
    (folder / "my_gpt2.py").write_text(source().replace("self.final(x)", "x"))
    with pytest.raises(TrainingError, match=r"final.weight has no gradient: every parameter must take part"):
        train(Trainer(own))


def test_the_size_is_nano_unless_given():
    assert TrainConfig(model="my_gpt2:GPT").shape == CONFIGS["nano"]
    assert TrainConfig(model="my_gpt2:GPT", size="gpt2", dropout=0.1).shape == CONFIGS["gpt2"]
    with pytest.raises(ValueError, match=r"^size is the size of a class of your own"):
        TrainConfig(model="nano", size="gpt2")
    with pytest.raises(ValueError, match=r"^size huge is not a size to train: choose nano"):
        TrainConfig(model="my_gpt2:GPT", size="huge")
    with pytest.raises(ValueError, match=r"^init brings its own size: leave out `size`"):
        TrainConfig(model="my_gpt2:GPT", size="nano", init="gpt2")


def test_a_class_that_has_changed_cannot_go_on(own, folder):  # noqa: F811
    train(Trainer(own), until=2)
    with pytest.raises(RunError, match=r"`model` was my_gpt2:GPT and is my_gpt2:GTP"):
        Trainer(replace(own, model="my_gpt2:GTP"), resume=True)
    (folder / "other").mkdir()
    (folder / "my_gpt2.py").rename(folder / "elsewhere.py")
    import sys

    del sys.modules["my_gpt2"]
    with pytest.raises(SymbolError, match=r"There is no my_gpt2.py"):
        Trainer(own, resume=True)
