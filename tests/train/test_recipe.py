import math
from dataclasses import replace

import pytest

from nextword.model import CONFIGS, GPTConfig
from nextword.train.recipe import BY_HEART, choose, default_lr

GPT2, NANO = CONFIGS["gpt2"], CONFIGS["nano"]
KILOBYTE, STORY, SHAKESPEARES_300_KB, FIVE_MEGABYTES = 210, 6063, 90_000, 1_200_000  # tokens


def updates(n_tokens: int, model: GPTConfig) -> float:
    chosen = choose(n_tokens, model)
    return chosen.passes * n_tokens / (chosen.window * chosen.batch_size)


@pytest.mark.parametrize("model", [GPT2, NANO])
@pytest.mark.parametrize("n_tokens", [0, 2, KILOBYTE, STORY, BY_HEART])
def test_a_short_text_is_learnt_by_heart(model, n_tokens):
    chosen = choose(n_tokens, model)
    assert chosen.dropout == 0.0
    assert chosen.schedule == "wsd"
    # An embedding is about as long as 1, whatever the width: sqrt(C) times its deviation.
    assert chosen.embedding_std * math.sqrt(model.n_embd) == pytest.approx(1.1, rel=0.02)
    assert "by heart" in chosen.why


@pytest.mark.parametrize("model", [GPT2, replace(NANO, n_embd=320, n_head=5)])
@pytest.mark.parametrize("n_tokens", [BY_HEART + 1, SHAKESPEARES_300_KB, FIVE_MEGABYTES, 10**10])
def test_a_longer_one_is_read_as_gpt2_was(model, n_tokens):
    chosen = choose(n_tokens, model)
    assert (chosen.dropout, chosen.schedule, chosen.embedding_std) == (0.1, "cosine", 0.02)
    assert chosen.optimizer == "adamw"
    assert (chosen.window, chosen.batch_size) == (256, 4)


@pytest.mark.parametrize("n_tokens", [BY_HEART + 1, SHAKESPEARES_300_KB, FIVE_MEGABYTES, 10**10])
def test_a_narrow_model_learns_a_longer_one_by_muon(n_tokens):
    chosen = choose(n_tokens, NANO)
    assert (chosen.optimizer, chosen.schedule, chosen.dropout) == ("muon", "linear", 0.1)
    assert choose(BY_HEART, NANO).optimizer == "adamw"
    assert choose(n_tokens, NANO, fine_tuning=True).optimizer == "adamw"


def test_a_small_model_reads_short_windows_at_a_high_rate():
    small = GPTConfig(n_vocab=65, n_ctx=256, n_embd=128, n_head=2, n_layer=4)
    chosen = choose(1_003_854, small)  # Shakespeare's characters, but for the tenth that is validated on
    assert (chosen.window, chosen.batch_size, chosen.dropout, chosen.schedule) == (64, 16, 0.0, "linear")
    assert (chosen.lr, chosen.embedding_std) == (pytest.approx(6e-3), 0.04)
    assert chosen.passes == 5.0
    assert choose(10**9, small).passes * 10**9 == pytest.approx(20 * small.n_params)
    assert "small" in chosen.why
    assert choose(1_003_854, replace(small, n_embd=512, n_head=8)).window == 256
    assert choose(BY_HEART, small).schedule == "wsd"
    assert choose(1_003_854, small, fine_tuning=True).window == 256


def test_the_fast_recipe_changes_what_was_measured_and_nothing_else():
    usual, fast = choose(FIVE_MEGABYTES, GPT2), choose(FIVE_MEGABYTES, GPT2, recipe="fast")
    assert (fast.optimizer, fast.schedule) == ("muon", "linear")
    assert replace(fast, optimizer="adamw", schedule="cosine", why=usual.why) == usual


def test_what_was_measured_for_124m():
    story = choose(STORY, GPT2)
    assert (story.window, story.batch_size, story.lr, story.embedding_std) == (256, 2, 1.5e-4, 0.04)


@pytest.mark.parametrize("model", [GPT2, NANO])
def test_longer_texts_take_more_updates_and_fewer_passes(model):
    short = [updates(n, model) for n in (2, KILOBYTE, STORY, BY_HEART)]
    assert short == sorted(short)
    assert short[0] >= 30  # or nothing would be learnt of a line
    assert 10 <= choose(STORY, model).passes <= 20  # what was measured
    passes = [
        choose(n, model).passes
        for n in (KILOBYTE, STORY, BY_HEART, BY_HEART + 1, SHAKESPEARES_300_KB, FIVE_MEGABYTES, 10**8, 10**10)
    ]
    assert passes == sorted(passes, reverse=True)


def test_a_text_that_a_model_has_no_room_for_is_not_even_read_once():
    # Chinchilla's twenty tokens a parameter: 2.5 billion for 124M.
    assert choose(5 * 10**9, GPT2).passes * 5 * 10**9 == pytest.approx(20 * 124_439_808)


@pytest.mark.parametrize(
    "n_tokens, window", [(2, 1), (17, 16), (257, 256), (258, 129), (513, 256), (514, 171), (1026, 256), (10**6, 256)]
)
def test_a_short_text_is_cut_evenly(n_tokens, window):
    assert choose(n_tokens, GPT2).window == window
    assert choose(n_tokens, GPT2).batch_size == (1 if n_tokens <= 257 else 2 if n_tokens <= BY_HEART else 4)
    assert choose(10**6, replace(GPT2, n_ctx=16)).window == 16


def test_learning_rates_follow_the_width():
    # Half of GPT-3's table 2.1: 6e-4 at width 768 and 2.5e-4 at 1536.
    wide = replace(GPT2, n_embd=1536, n_head=12)
    assert default_lr(GPT2) == pytest.approx(3e-4)
    assert default_lr(wide) == pytest.approx(1.25e-4, rel=0.3)
    for n_tokens in (STORY, FIVE_MEGABYTES):
        assert choose(n_tokens, GPT2, fine_tuning=True).lr == pytest.approx(3e-5)
        assert choose(n_tokens, NANO).lr > choose(n_tokens, GPT2).lr > choose(n_tokens, wide).lr
