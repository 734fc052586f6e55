"""When two things that probes saw are the same."""

import warnings

import numpy as np
import pytest
import torch

from nextword.learn.checker.comparing import Near, Raised, attempt, explains, raised, same

ERROR = Raised("ValueError", "no")


@pytest.mark.parametrize(
    ("yours", "right"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0], dtype=torch.float64)),
        ([1.0, 2.0], torch.tensor([1.0, 2.0])),
        (np.float32(0.1), 0.1),
        (torch.tensor(1.0 + 1e-5), 1.0),
        (torch.tensor([float("nan"), float("inf")]), torch.tensor([float("nan"), float("inf")])),
        ([3, 1], torch.tensor([3, 1])),
        (3.0, 3),
        (["a", 1.0], ["a", 1.0 + 1e-7]),
        ({"a": [1, 2]}, {"a": torch.tensor([1, 2])}),
        (None, None),
        (True, True),
        (Raised("IndexError", "out"), ERROR),
        (Near([0.51], 0.0), Near([0.5], 0.02)),
    ],
)
def test_the_same(yours: object, right: object) -> None:
    assert same(yours, right)


@pytest.mark.parametrize(
    ("yours", "right"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 2.0]])),
        (torch.tensor([1.0, 2.0005]), torch.tensor([1.0, 2.0])),
        (124_439_809, 124_439_808),  # whole numbers are not rounded
        (torch.tensor([float("nan")]), torch.tensor([1.0])),
        (None, 1.0),
        (1, True),
        ("1", 1),
        ([1.0], [1.0, 2.0]),
        ({"a": 1}, {"b": 1}),
        (1.0, ERROR),
        (Raised("NotImplementedError", "still to be written"), ERROR),
        (Raised("NameError", "name 'maks' is not defined"), ERROR),
        (Near([0.6], 0.5), Near([0.5], 0.02)),  # the reference's tolerance counts
        (0.5, Near(0.5, 0.1)),
    ],
)
def test_not_the_same(yours: object, right: object) -> None:
    assert not same(yours, right)


def test_an_attempt_draws_always_the_same_and_moves_nothing() -> None:
    before = torch.get_rng_state()
    first, second = (attempt(lambda _: torch.rand(3), None) for _ in range(2))
    assert first.equal(second)
    assert torch.get_rng_state().equal(before)


def test_an_exception_is_something_seen() -> None:
    def divide(_: object) -> float:
        return 1 / 0

    seen = attempt(divide, None)
    assert (seen.kind, seen.source) == ("ZeroDivisionError", "return 1 / 0")


def test_a_warning_is_no_exception() -> None:
    def warn(_: object) -> int:
        warnings.warn("careful", UserWarning, stacklevel=1)
        return 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert attempt(warn, None) == 1


def test_the_line_told_is_never_in_a_library() -> None:
    def broken() -> None:
        torch.zeros(2) @ torch.zeros(3)

    with pytest.raises(RuntimeError) as caught:
        broken()
    assert raised(caught.value).source == "torch.zeros(2) @ torch.zeros(3)"


def test_an_error_is_explained_by_one_of_its_family_only() -> None:
    sizes = Raised("RuntimeError", "The size of tensor a (4) must match the size of tensor b (16)")
    assert explains(sizes, Raised("IndexError", "out of range"), 1.0)
    assert not explains(sizes, Raised("TypeError", "forward must give back one tensor"), 1.0)
    assert not explains(sizes, Raised("RuntimeError", "expected m1 and m2 to have the same dtype"), 1.0)
    assert explains(sizes, Raised("TypeError", "too long"), ERROR)  # where the right answer refuses as well
    assert not explains(sizes, 1.0, 1.0)


def test_pytorchs_own_not_implemented_is_no_stub() -> None:
    assert not Raised("NotImplementedError", "\"bitwise_xor_cpu\" not implemented for 'Float'", 3, "x^3").unfinished
    assert Raised("NotImplementedError", "gelu: still to be written").unfinished
    assert Raised("NotImplementedError", "", 3, "raise NotImplementedError").unfinished
