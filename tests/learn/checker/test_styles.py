import pytest

from nextword.learn.checker.parts import OurParts
from nextword.learn.checker.styles import Style, planted, run_source, styles

TEXT = """\
def f(x):
    for i in range(3):
        #~ one-less: for i in range(2):
        #~ twice: for i in range(3):
        #~ twice:     x = x + i
        x = x + i
        #~ minus: x = x - i
        #~ gone:
    return x
    #~ one-less: return x  # or here
"""

STYLE = Style("sum", "loop", TEXT)


def value(*mistakes: str) -> int:
    result: int = run_source(STYLE.source(*mistakes), "sum").f(10)
    return result


def test_without_a_mistake_the_directives_are_only_left_out() -> None:
    assert "#~" not in STYLE.source()
    assert value() == 13


def test_a_mistake_replaces_the_line_above_it() -> None:
    assert value("minus") == 7
    assert value("twice") == 16


def test_a_mistake_may_stand_at_several_lines() -> None:
    assert value("one-less") == 11
    assert "# or here" in STYLE.source("one-less")


def test_an_empty_directive_deletes_the_line() -> None:
    with pytest.raises(IndentationError):
        value("gone")
    assert len(STYLE.source("gone").splitlines()) == len(STYLE.source().splitlines()) - 1


def test_two_mistakes_are_planted_together_where_they_change_different_lines() -> None:
    assert value("one-less", "minus") == 9


def test_two_mistakes_that_change_one_line_cannot_be_planted_together() -> None:
    with pytest.raises(ValueError, match="minus, gone change one line: x = x \\+ i"):
        STYLE.source("minus", "gone")


def test_the_reference_is_the_first_answer_that_can_make_the_mistakes() -> None:
    reference = planted("split", "count_of_training")
    assert reference(frozenset({"zero-refused"})).__name__ == "split_count_of_training"
    assert reference(frozenset({"minimum-missing", "minimum-always"})).__name__ == "split_from_the_end"
    with pytest.raises(ValueError, match="No answer to split can make these mistakes together: haste"):
        reference(frozenset({"haste"}))


def test_a_reference_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"split has no answer halves\.py to be its reference: it has \['count_of"):
        planted("split", "halves")(frozenset())


def test_the_names_are_listed_in_order() -> None:
    assert STYLE.mistakes == ("one-less", "twice", "minus", "gone")


def test_an_unknown_mistake_is_an_error() -> None:
    with pytest.raises(KeyError, match="haste"):
        STYLE.source("haste")


def test_answers_take_earlier_parts_from_the_package_or_from_others() -> None:
    source = "from parts import softmax\nf = softmax"
    assert run_source(source, "answer").f is OurParts("parts").softmax
    parts = OurParts("parts")
    vars(parts)["softmax"] = len
    assert run_source(source, "answer", parts).f is len


def test_the_package_ships_its_styles() -> None:
    assert len(styles("layer_norm")) >= 3
    assert styles("nothing") == ()
