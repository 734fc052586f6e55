import math
import sys
from pathlib import Path

import numpy as np
import pytest

from nextword.bench.learning import compare_losses
from nextword.bench.plan import Plan
from nextword.bench.starting import seconds_to_first_token
from nextword.bench.writing import TOLERANCE, Setting, compare, prompts
from nextword.model import GPTConfig


def test_scores_are_compared_by_what_they_mean() -> None:
    truth = np.random.default_rng(0).normal(size=100)
    assert compare(truth.tolist(), (truth + 5).tolist()) == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))
    error, divergence = compare(truth.tolist(), (2 * truth).tolist())
    assert error == pytest.approx(1)
    p, q = np.exp(truth) / np.exp(truth).sum(), np.exp(2 * truth) / np.exp(2 * truth).sum()
    assert divergence == pytest.approx((p * np.log(p / q)).sum())
    assert error > max(TOLERANCE.values())


def test_scores_of_another_shape_or_not_finite_never_pass() -> None:
    assert compare([1.0, 2.0], [1.0]) == (math.inf, math.inf)
    assert compare([1.0, 2.0], [1.0, math.nan]) == (math.inf, math.inf)


def test_prompts_side_by_side_differ_in_length_and_are_as_long_on_average() -> None:
    setting = Setting(Plan(prompt_tokens=32), "", GPTConfig(), Path(), range(1000), 1)
    assert [list(ids) for ids in prompts(setting, 1)] == [list(range(32))]
    many = prompts(setting, 33)
    assert sorted({len(ids) for ids in many}) == list(range(16, 49))
    assert np.mean([len(ids) for ids in many]) == 32
    assert len({ids[0] for ids in many}) == 33


def test_losses_are_told_and_compared() -> None:
    assert compare_losses("work", {}) == []
    (line,) = compare_losses("work", {"a": [10.0, 9.0], "b": [10.01, 8.0]})
    assert line == "work: loss before the first update: a 10.000, b 10.010; they agree"
    (line,) = compare_losses("work", {"a": [10.0], "b": [10.5]})
    assert "DISAGREE by 0.500" in line


def test_the_prompt_is_not_yet_a_token() -> None:
    script = "import time; print('Hello', end='', flush=True); time.sleep(0.4); print(' world', flush=True)"
    assert seconds_to_first_token([sys.executable, "-c", script], "Hello", {}) >= 0.4


def test_a_program_that_prints_no_token_has_failed() -> None:
    script = "import sys; print('Hello', end=''); sys.exit('no weights')"
    with pytest.raises(RuntimeError, match="no weights"):
        seconds_to_first_token([sys.executable, "-c", script], "Hello", {})
