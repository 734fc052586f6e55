import json
from dataclasses import asdict
from pathlib import Path

import pytest

from nextword.config import GPTConfig
from nextword.train.config import TrainConfig


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"model": "gpt3"}, r"^model gpt3 is not a size to train: choose nano, gpt2, gpt2-medium"),
        ({"init": "runs/a", "model": "nano"}, "^init brings its own size: leave out `model`"),
        ({"steps": 5, "epochs": 2.0}, "length is given more than once: use one of `epochs`, `steps` and `tokens`"),
        ({"steps": 5, "tokens": 5}, "given more than once"),
        ({"epochs": 5.0, "tokens": 5}, "given more than once"),
        ({"window": 0}, "^window must be above 0, not 0"),
        ({"stride": -1}, "^stride must be above 0, not -1"),
        ({"batch_size": 0}, "^batch_size must be above 0, not 0"),
        ({"accumulate": 0}, "^accumulate must be above 0, not 0"),
        ({"lr": 0.0}, "^lr must be above 0, not 0.0"),
        ({"lr": float("nan")}, "^lr must be above 0, not nan"),
        ({"lr": float("inf")}, "^lr must be above 0, not inf"),
        ({"epochs": 0.0}, "^epochs must be above 0"),
        ({"epochs": float("inf")}, "^epochs must be above 0, not inf"),
        ({"steps": 0}, "^steps must be above 0"),
        ({"tokens": -5}, "^tokens must be above 0"),
        ({"clip": 0.0}, "^clip must be above 0"),
        ({"eval_every": 0}, "^eval_every must be above 0"),
        ({"sample_every": 0}, "^sample_every must be above 0"),
        ({"save_every": 0}, "^save_every must be above 0"),
        ({"warmup": -1}, "^warmup must be at least 0, not -1"),
        ({"weight_decay": -0.1}, "^weight_decay must be at least 0, not -0.1"),
        ({"seed": -1}, "^seed must be at least 0, not -1"),
        ({"seed": 2**64}, "^seed must be below 2\\*\\*64, not 18446744073709551616"),
        ({"schedule": "sine"}, "^schedule sine is no curve: choose cosine, linear, constant, wsd"),
        ({"schedule": "constant", "lr_fall": 0.5}, "^schedule constant does not fall: leave out `lr_fall`"),
        ({"schedule": "constant", "lr_floor": 0.5}, "^schedule constant does not fall: leave out `lr_floor`"),
        ({"lr_fall": 0.0}, "^lr_fall must be above 0 and at most 1, not 0.0"),
        ({"lr_floor": 1.1}, "^lr_floor must be between 0 and 1, not 1.1"),
        ({"lr_floor": float("nan")}, "^lr_floor must be between 0 and 1, not nan"),
        ({"embedding_std": 0.0}, "^embedding_std must be above 0, not 0.0"),
        ({"embedding_std": 0.1, "init": "gpt2"}, "^embedding_std is for our own first weights, and `init` brings"),
        ({"embedding_std": 0.1, "model": "my:GPT"}, "a class of your own draws its own: leave it out"),
        ({"dropout": 1.0}, "^dropout must be at least 0 and below 1, not 1.0"),
        ({"dropout": float("nan")}, "^dropout must be at least 0 and below 1, not nan"),
        ({"params": "ten"}, "^params is a number of parameters, and 'ten' is none: write 10M, 1.5B or 800k"),
        ({"params": "10M", "depth": 6}, "^params chooses the shape by itself: leave out `depth`"),
        ({"params": "10M", "model": "nano"}, "^params chooses the shape by itself: leave out `model`"),
        ({"depth": 6, "n_embd": 384}, "^depth chooses the shape by itself: leave out `n_embd`"),
        ({"depth": 0}, "^depth must be above 0, not 0"),
        ({"n_layer": 1.5}, "^n_layer must be a whole number, not 1.5"),
        ({"n_embd": 100}, "^n_embd = 100 cannot be divided among n_head = 12 heads: .* 96"),
        ({"n_ctx": 64, "init": "gpt2"}, "^init brings its own size: leave out `n_ctx`"),
        ({"beta2": 1.0}, "^beta2 must be between 0 and 1, not 1.0"),
        ({"val_fraction": 0.0}, "^val_fraction must be between 0 and 1, not 0.0"),
        ({"val_fraction": 1.0}, "^val_fraction must be between 0 and 1, not 1.0"),
    ],
)
def test_settings_that_mean_nothing(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**settings)


@pytest.mark.parametrize(
    "settings, shape",
    [
        ({}, GPTConfig()),
        ({"model": "nano", "n_layer": 2, "n_ctx": 64}, GPTConfig(n_ctx=64, n_embd=128, n_head=4, n_layer=2)),
        ({"n_embd": 384}, GPTConfig(n_embd=384, n_head=6)),  # heads of 64
        ({"n_embd": 96, "n_head": 3}, GPTConfig(n_embd=96, n_head=3)),
        ({"depth": 3, "n_ctx": 32}, GPTConfig(n_ctx=32, n_embd=192, n_head=3, n_layer=3)),
        ({"params": "124M"}, GPTConfig()),
        ({"params": 124_000_000}, GPTConfig()),
        ({"model": "my:GPT", "n_layer": 2}, GPTConfig(n_ctx=256, n_embd=128, n_head=4, n_layer=2)),
        ({"model": "my:GPT", "depth": 12}, GPTConfig()),
    ],
)
def test_the_shape_is_a_named_one_with_the_numbers_that_are_given_or_chosen_by_one_dial(settings, shape):
    assert TrainConfig(**settings).shape == shape


def test_a_dial_counts_the_vocabulary():
    assert TrainConfig(params="10M").shape_with(65) == GPTConfig(65, 256, 384, 6, 6)


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
