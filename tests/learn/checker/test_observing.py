import math

import pytest
import torch

from nextword.learn.checker.comparing import Raised
from nextword.learn.checker.observing import observations

RIGHT = torch.tensor([[1.0, 2.0, 4.0], [8.0, 3.0, 0.5], [0.25, 7.0, 6.0]])


@pytest.mark.parametrize(
    ("yours", "words"),
    [
        (None, "Does the function return its result?"),
        (RIGHT * 2, "Every number is 2 times the right one."),
        (RIGHT * math.sqrt(12), "3.464 (the root of 12) times"),
        (RIGHT / math.sqrt(12), "0.2887 (1 over the root of 12) times"),
        (RIGHT / 3, "0.3333 (1/3) times"),
        (-RIGHT, "wrong sign"),
        (RIGHT * 0, "all zeros"),
        (RIGHT + 0.5, "Every number is 0.5 too large."),
        (RIGHT - 0.5, "Every number is 0.5 too small."),
        (RIGHT.T, "transposed"),
        (RIGHT.flip(0), "rows are in reverse order"),
        (RIGHT.flip(1), "Each of its rows is in reverse order"),
        (RIGHT.roll(1, 1), "one place further to the right"),
        (RIGHT.roll(1, 0), "one row further down"),
        (RIGHT.flatten()[torch.tensor([1, 0, 2, 3, 4, 5, 6, 8, 7])].view(3, 3), "right numbers in another order"),
        (RIGHT.log(), "the logarithm"),
        (RIGHT.exp(), "the exponential"),
        (RIGHT**2, "the square of"),
        (RIGHT.sqrt(), "the square root"),
        (1 / RIGHT, "1 divided by"),
        (RIGHT.where(RIGHT != 8, math.nan), "NaN in 1 of 9 places"),
        (RIGHT.where(RIGHT != 8, math.inf), "infinite in 1 of 9"),
        (RIGHT[None], "a dimension of size 1 too many"),
        (RIGHT.flatten(), "right, in another shape"),
        (RIGHT[:2], "the end is missing"),
        (RIGHT[1:], "the beginning is missing"),
        (RIGHT[:, :1], "shape (3, 1); expected was (3, 3)"),
        (torch.tensor([[1.0, 2.0, 5.0], [8.0, 3.0, 0.7], [0.25, 7.0, 1.0]]), "all of them in column 2 (the last)"),
        (torch.tensor([[1.0, 2.0, 4.0], [8.0, 4.0, 1.5], [0.25, 7.0, 6.0]]), "all of them in row 1"),
        ("text", "It is a text (str); expected was a tensor."),
    ],
)
def test_what_is_to_be_seen_is_said(yours: object, words: str) -> None:
    assert words in " ".join(observations(yours, RIGHT))


def test_transposed_and_not_square() -> None:
    right = torch.tensor([[1.0, 2.0, 4.0], [8.0, 3.0, 0.5]])
    assert "have changed places" in observations(right.T, right)[0]


def test_a_mask_the_other_way_round() -> None:
    mask = torch.ones(3, 3).tril().bool()
    assert "1 where 0 is right" in observations(~mask, mask)[0]


def test_other_things() -> None:
    assert "lacks b" in observations({"a": 1, "c": 3}, {"a": 1, "b": 2})[0]
    assert "has c, which should not be there" in observations({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2})[0]
    assert "capitals" in observations("ABC", "abc")[0]
    assert "backwards" in observations("abcd", "dcba")[0]
    assert "Its end is missing" in observations("abc", "abcd")[0]
    assert "spaces or line breaks" in observations("abc\n", "abc")[0]
    assert "such as ValueError, and there was none" in observations(3, Raised("ValueError", "too long"))[0]
    assert "It has 1 item; the right one has 2" in observations(["a"], ["a", torch.zeros(2)])[0]
    assert observations(Raised("ValueError", "x"), 3) == []


def test_chance_is_not_taken_for_a_pattern() -> None:
    assert observations(torch.tensor([[1.0, -2.0], [0.3, 5.0]]), torch.tensor([[0.1, 0.7], [0.9, -0.4]])) == []
