"""Settings of the choice that mean nothing are refused; `test_choose.py` tests what the others do."""

import math

import pytest

from nextword.decode import Sampling


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": -0.5}, "temperature must be 0 .* or a positive number, not -0.5"),
        ({"temperature": math.nan}, "temperature must be .* not nan"),
        ({"temperature": math.inf}, "temperature must be .* not inf"),
        ({"top_k": 0}, "top_k must be at least 1, not 0"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, not 0.0"),
        ({"top_p": 1.1}, "top_p must be above 0 and at most 1, not 1.1"),
        ({"top_p": math.nan}, "top_p must be above 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**wrong)  # type: ignore[arg-type]
