import json
from dataclasses import asdict
from pathlib import Path

import pytest

from nextword.model import CONFIGS
from nextword.train.config import TrainConfig, plan
from nextword.train.prolonging import rate
from nextword.train.recipe import choose
from nextword.train.schedule import SCHEDULES, Schedule

GPT2 = CONFIGS["gpt2"]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"model": "gpt3"}, r"--model gpt3 is not a size to train: choose nano, gpt2, gpt2-medium"),
        ({"init": "runs/a", "model": "nano"}, "--init brings its own size: leave out --model"),
        ({"steps": 5, "epochs": 2.0}, "length is given more than once: use one of --epochs, --steps and --tokens"),
        ({"steps": 5, "tokens": 5}, "given more than once"),
        ({"epochs": 5.0, "tokens": 5}, "given more than once"),
        ({"window": 0}, "--window must be above 0, not 0"),
        ({"stride": -1}, "--stride must be above 0, not -1"),
        ({"batch_size": 0}, "--batch-size must be above 0, not 0"),
        ({"accumulate": 0}, "--accumulate must be above 0, not 0"),
        ({"lr": 0.0}, "--lr must be above 0, not 0.0"),
        ({"lr": float("nan")}, "--lr must be above 0, not nan"),
        ({"lr": float("inf")}, "--lr must be above 0, not inf"),
        ({"epochs": 0.0}, "--epochs must be above 0"),
        ({"epochs": float("inf")}, "--epochs must be above 0, not inf"),
        ({"steps": 0}, "--steps must be above 0"),
        ({"tokens": -5}, "--tokens must be above 0"),
        ({"clip": 0.0}, "--clip must be above 0"),
        ({"eval_every": 0}, "--eval-every must be above 0"),
        ({"sample_every": 0}, "--sample-every must be above 0"),
        ({"save_every": 0}, "--save-every must be above 0"),
        ({"warmup": -1}, "--warmup must be at least 0, not -1"),
        ({"weight_decay": -0.1}, "--weight-decay must be at least 0, not -0.1"),
        ({"seed": -1}, "--seed must be at least 0, not -1"),
        ({"seed": 2**64}, "--seed must be below 2\\*\\*64, not 18446744073709551616"),
        ({"schedule": "sine"}, "--schedule sine is no curve: choose cosine, linear, constant, wsd"),
        ({"schedule": "constant", "lr_fall": 0.5}, "--schedule constant does not fall: leave out --lr-fall"),
        ({"schedule": "constant", "lr_floor": 0.5}, "--schedule constant does not fall: leave out --lr-floor"),
        ({"lr_fall": 0.0}, "--lr-fall must be above 0 and at most 1, not 0.0"),
        ({"lr_floor": 1.1}, "--lr-floor must be between 0 and 1, not 1.1"),
        ({"lr_floor": float("nan")}, "--lr-floor must be between 0 and 1, not nan"),
        ({"embedding_std": 0.0}, "--embedding-std must be above 0, not 0.0"),
        ({"embedding_std": 0.1, "init": "gpt2"}, "--embedding-std is for our own first weights, and --init brings"),
        ({"embedding_std": 0.1, "model": "my:GPT"}, "a class of your own draws its own: leave it out"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, not 1.0"),
        ({"dropout": float("nan")}, "--dropout must be at least 0 and below 1, not nan"),
        ({"beta2": 1.0}, "--beta2 must be between 0 and 1, not 1.0"),
        ({"val_fraction": 0.0}, "--val-fraction must be between 0 and 1, not 0.0"),
        ({"val_fraction": 1.0}, "--val-fraction must be between 0 and 1, not 1.0"),
    ],
)
def test_settings_that_mean_nothing(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**settings)


def test_the_least_that_is_allowed():
    TrainConfig(warmup=0, weight_decay=0.0, seed=0, dropout=0.0, steps=1, window=1, batch_size=1)


def test_paths_are_kept_as_text_without_a_tilde(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    given = TrainConfig(data=[Path("a.txt"), "~/b.txt", "-", "story"], init=Path("~/init"), out=Path("~/runs/a"))
    assert given.data == ("a.txt", "/home/me/b.txt", "-", "story")
    assert (given.init, given.out) == ("/home/me/init", "/home/me/runs/a")
    assert TrainConfig(**json.loads(json.dumps(asdict(given)))) == given
    with pytest.raises(ValueError, match=r"data must be a tuple of sources, such as \('a.txt',\)"):
        TrainConfig(data=Path("a.txt"))


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


def test_what_is_left_open_is_as_the_recipe_says():
    for n_tokens in (6000, 100_000, 1_000_000):
        p, chosen = plan(TrainConfig(), GPT2, n_tokens), choose(n_tokens, GPT2)
        for name in ("window", "batch_size", "lr", "schedule", "dropout", "embedding_std", "why"):
            assert getattr(p, name) == getattr(chosen, name)
        assert p.stride == p.window
        assert p.steps * p.tokens_per_step / n_tokens == pytest.approx(chosen.passes, rel=0.05)


@pytest.mark.parametrize("n_tokens", [6000, 100_000])
@pytest.mark.parametrize(
    "schedule, floor, fall", [("cosine", 0.1, 1.0), ("linear", 0.1, 1.0), ("constant", 1.0, 1.0), ("wsd", 0.1, 0.3)]
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
