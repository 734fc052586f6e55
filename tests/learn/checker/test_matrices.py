import math

import torch

from nextword.learn.checker.lines import text_of
from nextword.learn.checker.matrices import WIDTH
from nextword.learn.checker.showing import side_by_side

MASK = torch.ones(4, 4).tril().bool()


def shown(yours: object, right: object) -> str:
    return "\n".join(line.rstrip() for line in text_of(side_by_side(yours, right)).splitlines())


def test_small_matrices_stand_side_by_side_with_what_differs_marked() -> None:
    yours = MASK.clone()
    yours[0, 1] = True
    assert shown(yours, MASK) == (
        "       yours         right\n"
        "    1  1* 0  0  | 1  0* 0  0\n"
        "    1  1  0  0  | 1  1  0  0\n"
        "    1  1  1  0  | 1  1  1  0\n"
        "    1  1  1  1  | 1  1  1  1"
    )


def test_where_most_is_wrong_nothing_is_marked() -> None:
    assert "*" not in shown(torch.ones(2, 2), torch.zeros(2, 2))


def test_there_are_enough_digits_to_see_the_difference() -> None:
    text = shown(torch.tensor([0.84119, 1.0]), torch.tensor([0.84134, 1.0]))
    assert "0.8412*" in text
    assert "0.8413*" in text
    assert "e-05" in shown(torch.tensor([1e-5, 0.0]), torch.tensor([9e-4, 0.0]))
    assert shown(torch.tensor([3, 4]), torch.tensor([3, 5])).splitlines()[1] == "    3  4* | 3  5*"


def test_infinity_and_nan_are_called_so() -> None:
    text = shown(torch.tensor([math.nan, -math.inf, 1.0]), torch.tensor([1.0, -math.inf, 1.0]))
    assert "nan* -inf" in text


def test_of_a_large_tensor_the_first_row_that_differs_is_shown() -> None:
    right = torch.zeros(2, 3, 20, 5)
    yours = right.clone()
    yours[1, 2, 13, 3] = 1
    assert "row [1, 2, 13]" in shown(yours, right)
    assert len(shown(yours, right).splitlines()) == 3
    assert "row 13" in shown(yours[1, 2], right[1, 2])


def test_of_a_long_row_the_piece_that_differs_is_shown() -> None:
    right = torch.arange(100.0) / 7
    yours = right.clone()
    yours[60] += 1
    where, _, row = shown(yours, right).splitlines()
    assert where == "  columns 59 to 63 of 100"
    assert len(row) < 2 * WIDTH + 20
    assert "...  8.43   9.57*" in row
    assert row.count("*") == 2


def test_small_stacks_of_matrices_show_the_matrix() -> None:
    right = torch.zeros(2, 2, 3)
    yours = right.clone()
    yours[1, 0, 1] = 1
    text = shown(yours, right)
    assert "[1, :, :]" in text
    assert len(text.splitlines()) == 4


def test_numbers_that_stand_alone() -> None:
    assert shown(1.5, torch.tensor(2.25)) == "  yours: 1.50   right: 2.25"


def test_other_shapes_are_told_and_shown() -> None:
    assert shown(torch.ones(2, 3), torch.ones(3)) == (
        "  yours: shape (2, 3)\n    1 1 1\n    1 1 1\n  right: shape (3,)\n    1 1 1"
    )
    assert "a single number" in shown(torch.tensor(1.0), torch.ones(2))
    assert shown(torch.ones(9), torch.ones(3)).splitlines()[1] == "    1 1 1 1 1 1 1 1 1"
