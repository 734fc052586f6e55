import pytest

from nextword.decode.stopping import Stopping, until_stop


@pytest.mark.parametrize(
    ("pieces", "stop", "expected"),
    [
        (["ab", "c", "de"], ["cd"], ["ab"]),  # over the border of two pieces
        (["ab", "c", "xe"], ["cd"], ["ab", "cxe"]),  # what only looked like it comes after all
        (["abc"], ["b", "a"], []),  # the first of several
        (["aab"], ["ab"], ["a"]),  # a beginning within a beginning
        (["ab", "ca"], ["zz", "cab"], ["ab", "ca"]),  # held to the end
        (["ab", "", "c"], [], ["ab", "c"]),
    ],
)
def test_stop_texts_wherever_the_pieces_break(pieces: list[str], stop: list[str], expected: list[str]) -> None:
    assert list(until_stop(iter(pieces), stop)) == expected


def test_what_is_held_back_is_known_and_comes_at_the_end() -> None:
    stopping = Stopping(["abc"])
    assert (stopping.add("xab"), stopping.held, stopping.is_over) == ("x", "ab", False)
    assert (stopping.end(), stopping.held, stopping.is_over) == ("ab", "", True)


def test_after_a_stop_text_nothing_is_left() -> None:
    stopping = Stopping(["abc"])
    assert (stopping.add("xabcd"), stopping.held, stopping.is_over) == ("x", "", True)
