import numpy as np
import pytest

from benchmarks.quality import log_softmax, mean_and_error, measure, spread, table

LOGITS = np.array([0.0, 1.0, 3.0], dtype=np.float32)


def test_a_place_is_predicted_from_what_stands_before_it() -> None:
    asked: list[list[int]] = []

    def logits(ids):
        asked.append(list(ids))
        return LOGITS

    ids = [0, 1, 2, 2, 1]
    (found,) = measure([("float32", logits)], ids, [1, 4], context=2)
    assert asked == [[0], [2, 2]]
    assert found.loss == pytest.approx(float(-log_softmax(LOGITS)[1]))  # the true token is 1 both times
    assert (found.more, found.divergence, found.agreement) == (0, 0, 1)


def test_formats_are_compared_with_the_first() -> None:
    other = np.array([0.0, 4.0, 3.0], dtype=np.float32)
    formats = [("float32", lambda ids: LOGITS), ("int4", lambda ids: other)]
    _, found = measure(formats, [0, 1], [1], context=8)
    p, q = log_softmax(LOGITS), log_softmax(other)
    assert found.more == pytest.approx(float(p[1] - q[1]))
    assert found.divergence == pytest.approx(float((np.exp(p) * (p - q)).sum()))
    assert found.agreement == 0
    assert "| int4 | " in table([_, found])


def test_places_are_spread_over_the_text() -> None:
    assert spread(101, 5) == [1, 25, 50, 75, 100]
    assert spread(4, 100) == [1, 2, 3]


def test_the_error_of_a_mean() -> None:
    assert mean_and_error([1.0, 3.0]) == (2.0, pytest.approx(1 / 2**0.5))
