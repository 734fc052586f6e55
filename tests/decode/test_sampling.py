"""Settings of the choice that mean nothing are refused; `test_choose.py` tests what the others do."""

import math
from typing import get_type_hints

import pytest

from nextword.decode import Sampling
from nextword.decode.sampling import SamplingArguments


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
        ({"min_p": 1.5}, "min_p must be from 0 to 1, not 1.5"),
        ({"repetition_penalty": 0.0}, "repetition_penalty must be a positive number, not 0.0"),
        ({"presence_penalty": math.inf}, "presence_penalty must be a number, not inf"),
        ({"frequency_penalty": math.nan}, "frequency_penalty must be a number, not nan"),
        ({"logit_bias": {-1: 2.0}}, "logit_bias must give ids, which begin at 0, a number each, not 2.0 to -1"),
        ({"logit_bias": {1: math.nan}}, "logit_bias must give ids, .* not nan to 1"),
        ({"allowed_ids": []}, "allowed_ids must name at least one id"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**wrong)  # type: ignore[arg-type]


def test_the_keywords_are_the_fields() -> None:
    assert get_type_hints(SamplingArguments) == get_type_hints(Sampling)
    assert not SamplingArguments.__required_keys__


def test_settings_are_keys_of_a_dictionary() -> None:
    """An engine keeps what it has prepared for each setting."""
    one, same = (Sampling(logit_bias={1: 2.0}, allowed_ids=[1, 2]) for _ in range(2))
    assert {one: "kept"}[same] == "kept"
    assert one != Sampling(logit_bias={1: 3.0}, allowed_ids=[1, 2])
