import math

import pytest
import torch
from transformers.optimization import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
    get_wsd_schedule,
)

from nextword.train import plain
from nextword.train.schedule import SCHEDULES, learning_rate


def curve(steps, warmup, peak=1.0):
    return [learning_rate(step, steps, warmup, peak) for step in range(steps)]


def test_ten_steps_worked_out_by_hand():
    # Three steps up by thirds; then six sixths of half a cosine from 1 to 0.1, whose values are known.
    half_root_3 = math.sqrt(3) / 2
    cosines = [1, half_root_3, 0.5, 0, -0.5, -half_root_3, -1]
    expected = [1 / 3, 2 / 3, 1.0] + [0.55 + 0.45 * cosine for cosine in cosines]
    assert curve(10, 3) == pytest.approx(expected, rel=1e-12)


def test_a_fall_at_the_end_alone_worked_out_by_hand():
    # Of ten steps to the last one three fall: by thirds of half a cosine from 1 to 0.1.
    rates = [learning_rate(step, 11, 0, 1.0, fall=0.3) for step in range(11)]
    assert rates == pytest.approx([1.0] * 8 + [0.775, 0.325, 0.1], rel=1e-12)
    assert [learning_rate(step, 3, 0, 1.0, fall=0.3) for step in range(3)] == pytest.approx([1.0, 1.0, 0.1])
    rates = [learning_rate(step, 13, 2, 1.0, fall=0.3) for step in range(13)]  # the rise counts apart
    assert rates == pytest.approx([0.5, 1.0] + [1.0] * 8 + [0.775, 0.325, 0.1], rel=1e-12)


def test_the_first_update_moves_and_the_rise_is_straight():
    rates = curve(1000, 100, peak=6e-4)
    assert rates[0] == pytest.approx(6e-6)
    assert rates[:100] == pytest.approx([6e-6 * n for n in range(1, 101)])


def test_update_number_warmup_is_the_first_at_the_peak():
    rates = curve(50, 5, peak=0.3)
    assert max(rates) == 0.3
    assert rates.index(0.3) == 4  # the fifth


@pytest.mark.parametrize("steps, warmup", [(2, 0), (50, 0), (50, 5), (50, 48), (1000, 200)])
def test_the_last_update_is_at_a_tenth_and_no_earlier_one_is(steps, warmup):
    rates = curve(steps, warmup, peak=0.3)
    assert rates[-1] == pytest.approx(0.03)
    assert min(rates[warmup:-1]) > 0.03
    assert all(later <= earlier for earlier, later in zip(rates[warmup:], rates[warmup + 1 :], strict=False))


@pytest.mark.parametrize("steps, warmup", [(1, 0), (1, 1), (1, 5), (5, 5), (5, 4), (5, 100)])
def test_runs_too_short_for_both_halves_still_move(steps, warmup):
    assert all(0 < rate <= 1 for rate in curve(steps, warmup))


def test_without_warm_up_the_first_update_is_at_the_peak():
    assert curve(10, 0)[0] == 1.0


@pytest.mark.parametrize("steps, warmup", [(1, 0), (1, 1), (2, 0), (5, 5), (5, 4), (12, 3), (1000, 100)])
@pytest.mark.parametrize("floor", [0.1, 0.0, 1.0])
def test_the_cosine_is_the_blackboard_s_bit_for_bit(steps, warmup, floor):
    for step in range(steps):
        assert learning_rate(step, steps, warmup, 3e-4, floor) == plain.learning_rate(step, steps, warmup, 3e-4, floor)


def others(make, steps, **settings):
    """The rates of a scheduler of PyTorch's or transformers', which begins at step 0."""
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = make(optimizer, **settings)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def ours(schedule, steps, warmup, floor=0.0, fall=None):
    fall = SCHEDULES[schedule].fall if fall is None else fall
    return [learning_rate(step, steps, warmup, 0.3, floor, fall, schedule) for step in range(steps)]


@pytest.mark.parametrize(
    "name, make", [("cosine", get_cosine_schedule_with_warmup), ("linear", get_linear_schedule_with_warmup)]
)
@pytest.mark.parametrize("steps, warmup", [(11, 0), (51, 5), (1001, 200)])
def test_the_cosine_and_the_line_are_transformers(name, make, steps, warmup):
    """Theirs reaches the end one update after the last; its rise begins at 0, where ours begins a step up."""
    told = others(make, steps, num_warmup_steps=warmup, num_training_steps=steps - 1)
    assert ours(name, steps, warmup)[warmup:] == pytest.approx(told[warmup:], abs=1e-12)
    assert ours(name, steps, warmup)[: max(0, warmup - 1)] == pytest.approx(told[1:warmup])


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_wsd_is_transformers(floor):
    told = others(
        get_wsd_schedule, 101, num_warmup_steps=0, num_stable_steps=70, num_decay_steps=30, min_lr_ratio=floor
    )
    assert ours("wsd", 101, 0, floor) == pytest.approx(told, abs=1e-12)
    told = others(get_wsd_schedule, 51, num_warmup_steps=10, num_stable_steps=20, num_decay_steps=20)
    assert ours("wsd", 51, 10, 0.0, fall=0.5)[10:] == pytest.approx(told[10:], abs=1e-12)


def test_a_line_that_falls_late_is_transformers_wsd_with_a_linear_decay():
    told = others(
        get_wsd_schedule,
        51,
        num_warmup_steps=0,
        num_stable_steps=25,
        num_decay_steps=25,
        decay_type="linear",
        min_lr_ratio=0.1,
    )
    assert ours("linear", 51, 0, 0.1, fall=0.5) == pytest.approx(told)


def test_the_cosine_and_the_line_are_pytorch_s():
    """With a floor, which PyTorch's two know as eta_min and end_factor."""
    told = others(torch.optim.lr_scheduler.CosineAnnealingLR, 21, T_max=20, eta_min=0.03)
    assert ours("cosine", 21, 0, 0.1) == pytest.approx(told)
    told = others(torch.optim.lr_scheduler.LinearLR, 21, start_factor=1.0, end_factor=0.1, total_iters=20)
    assert ours("linear", 21, 0, 0.1) == pytest.approx(told)


def test_a_constant_rate_is_transformers():
    told = others(get_constant_schedule_with_warmup, 20, num_warmup_steps=5)
    assert ours("constant", 20, 5, floor=1.0)[5:] == told[5:] == [0.3] * 15
    assert ours("constant", 20, 5, floor=1.0)[:4] == pytest.approx(told[1:5])


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps, warmup", [(1, 0), (1, 1), (1, 5), (2, 0), (5, 5), (5, 4), (5, 100)])
def test_every_curve_moves_in_runs_too_short_for_both_halves(schedule, steps, warmup):
    chosen = SCHEDULES[schedule]
    rates = [learning_rate(step, steps, warmup, 1.0, chosen.floor, chosen.fall, schedule) for step in range(steps)]
    assert rates[0] > 0
    assert all(0 <= rate <= 1 for rate in rates)
