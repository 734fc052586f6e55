import math

import pytest

from nextword.train.schedule import learning_rate


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
