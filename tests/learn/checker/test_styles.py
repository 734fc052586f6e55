import pytest

from nextword.learn.checker.parts import OurParts
from nextword.learn.checker.styles import Style, run_source, styles

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


def value(mistake: str | None) -> int:
    result: int = run_source(STYLE.source(mistake), "sum").f(10)
    return result


def test_without_a_mistake_the_directives_are_only_left_out() -> None:
    assert "#~" not in STYLE.source()
    assert value(None) == 13


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
