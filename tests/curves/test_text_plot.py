import math

from nextword.curves.text_plot import text_plot

LABEL = 8


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """The dots that are set, as (column, row) from the upper left, two columns and four rows a character."""
    order = {
        0: (0, 0),
        1: (0, 1),
        2: (0, 2),
        3: (1, 0),
        4: (1, 1),
        5: (1, 2),
        6: (0, 3),
        7: (1, 3),
    }
    return {
        (2 * at + order[bit][0], 4 * number + order[bit][1])
        for number, line in enumerate(lines)
        for at, character in enumerate(line[LABEL:])
        for bit in range(8)
        if (ord(character) - 0x2800) >> bit & 1
    }


def test_a_falling_line_is_a_diagonal() -> None:
    *lines, axis = text_plot([[(step, 31.0 - step) for step in range(32)]], columns=LABEL + 16, rows=9)
    assert dots(lines) == {(step, step) for step in range(32)}
    assert [lines[0][:LABEL].strip(), lines[-1][:LABEL].strip()] == ["31.00", "0.00"]
    assert axis.split() == ["step", "0", "31"]


def test_losses_of_one_column_are_averaged_and_what_is_no_number_is_left_out() -> None:
    series = [(step, float(step % 2)) for step in range(1000)] + [(500, math.nan)]
    *lines, _ = text_plot([series, [(0, 0.0), (999, 1.0)]], columns=LABEL + 10, rows=5)
    rows = {row for column, row in dots(lines) if 2 < column < 17}
    assert rows <= {7, 8}  # the middle


def test_one_value_and_none() -> None:
    assert dots(text_plot([[(0, 3.0)]], 40, 6)[:-1])
    assert text_plot([[]], 40, 6) == ["no loss has been measured yet"]
