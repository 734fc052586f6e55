from dataclasses import asdict

import pytest

from nextword.model import CONFIGS
from nextword.train.config import TrainConfig
from nextword.train.plan import plan
from nextword.train.prolongation import rate
from nextword.train.recipe import OPTIMIZERS, choose
from nextword.train.schedule import SCHEDULES, Schedule

GPT2 = CONFIGS["gpt2"]


def test_tokens_a_step():
    assert plan(TrainConfig(window=100, batch_size=3, accumulate=4), GPT2, 10_000).tokens_per_step == 1200


@pytest.mark.parametrize(
    "settings, steps",
    [
        ({"epochs": 10.0}, 84),  # 100 windows, 12 of them a step: 83.33
        ({"epochs": 2.4}, 20),  # exactly
        ({"epochs": 2.41}, 21),
        ({"epochs": 0.001}, 1),
        ({"steps": 7}, 7),
        ({"tokens": 2400}, 2),  # 12 windows of 100 tokens a step
        ({"tokens": 2401}, 3),
        ({"tokens": 1}, 1),
    ],
)
def test_length_in_steps(settings, steps):
    config = TrainConfig(window=100, batch_size=4, accumulate=3, **settings)
    assert plan(config, GPT2, n_tokens=10_001).steps == steps  # the last one has no successor


@pytest.mark.parametrize(
    "steps, warmup, eval_every", [(1, 1, 1), (12, 1, 2), (100, 5, 10), (5000, 200, 500), (90_000, 200, 500)]
)
def test_what_a_plan_works_out_by_itself(steps, warmup, eval_every):
    p = plan(TrainConfig(steps=steps), GPT2, 100_000)
    assert (p.warmup, p.eval_every, p.sample_every, p.save_every) == (warmup, eval_every, eval_every, None)


def test_a_plan_keeps_what_was_asked_for():
    asked = {
        "window": 32,
        "stride": 16,
        "batch_size": 3,
        "accumulate": 5,
        "dropout": 0.3,
        "embedding_std": 0.01,
        "steps": 100,
        "lr": 0.5,
        "schedule": "linear",
        "lr_floor": 0.0,
        "lr_fall": 0.5,
        "warmup": 0,
        "eval_every": 7,
        "sample_every": 3,
        "save_every": 11,
    }
    for n_tokens in (1000, 1_000_000):
        found = asdict(plan(TrainConfig(**asked), GPT2, n_tokens))
        assert {name: found[name] for name in asked} == asked


def test_the_optimizer_is_the_recipe_s_or_the_one_that_was_asked_for():
    usual, fast = plan(TrainConfig(), GPT2, 100_000), plan(TrainConfig(recipe="fast"), GPT2, 100_000)
    assert (usual.optimizer, fast.optimizer) == ("adamw", "muon")
    assert fast.lr == pytest.approx(usual.lr * OPTIMIZERS["muon"])
    asked = plan(TrainConfig(recipe="fast", optimizer="soap", schedule="wsd"), GPT2, 100_000)
    assert (asked.optimizer, asked.schedule) == ("soap", "wsd")


@pytest.mark.parametrize("settings", [{"shard": True}, {"model": "my_gpt2:GPT"}])
def test_what_muon_is_not_for_is_trained_by_adamw(settings):
    assert plan(TrainConfig(model="nano"), CONFIGS["nano"], 100_000).optimizer == "muon"
    found = plan(TrainConfig(**settings), CONFIGS["nano"], 100_000)
    assert (found.optimizer, found.lr) == ("adamw", pytest.approx(1.8e-3))


def test_what_is_left_open_is_as_the_recipe_says():
    for n_tokens in (6000, 100_000, 1_000_000):
        p, chosen = plan(TrainConfig(), GPT2, n_tokens), choose(n_tokens, GPT2)
        for name in ("window", "batch_size", "lr", "schedule", "dropout", "embedding_std", "why"):
            assert getattr(p, name) == getattr(chosen, name)
        assert p.stride == p.window
        assert p.steps * p.tokens_per_step / n_tokens == pytest.approx(chosen.passes, rel=0.05)


@pytest.mark.parametrize("n_tokens", [6000, 100_000])
@pytest.mark.parametrize(
    "schedule, floor, fall", [("cosine", 0.1, 1.0), ("linear", 0.0, 1.0), ("constant", 1.0, 1.0), ("wsd", 0.1, 0.3)]
)
def test_a_schedule_brings_its_own_fall_and_floor(schedule, floor, fall, n_tokens):
    p = plan(TrainConfig(schedule=schedule), GPT2, n_tokens)
    assert (p.schedule, p.lr_floor, p.lr_fall) == (schedule, floor, fall)


def test_the_defaults_follow_the_curves_that_they_did_before_schedules_had_names():
    short, long = (plan(TrainConfig(), GPT2, n_tokens) for n_tokens in (6000, 100_000))
    assert (short.schedule, short.lr_floor, short.lr_fall) == ("wsd", 0.1, 0.3)
    assert (long.schedule, long.lr_floor, long.lr_fall) == ("cosine", 0.1, 1.0)
    fallen = plan(TrainConfig(lr_fall=0.5, lr_floor=0.2), GPT2, 100_000)
    assert (fallen.schedule, fallen.lr_floor, fallen.lr_fall) == ("cosine", 0.2, 0.5)


def test_a_schedule_is_one_function_and_its_name(monkeypatch):
    monkeypatch.setitem(SCHEDULES, "parabola", Schedule(lambda progress: (1.0 - progress) ** 2))
    p = plan(TrainConfig(schedule="parabola", steps=5, warmup=0, lr=1.0, lr_floor=0.0), GPT2, 6000)
    assert [rate(p, step) for step in range(5)] == pytest.approx([1.0, 9 / 16, 1 / 4, 1 / 16, 0.0])


def test_weights_that_are_given_are_not_drawn():
    assert plan(TrainConfig(init="gpt2"), GPT2, 1000).embedding_std is None
    assert plan(TrainConfig(model="my_gpt2:GPT"), GPT2, 1000).embedding_std is None


def test_samples_come_at_validations_unless_told_otherwise():
    assert plan(TrainConfig(steps=100, eval_every=7), GPT2, 1000).sample_every == 7
