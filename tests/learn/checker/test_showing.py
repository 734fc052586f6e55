import math

import pytest
import torch

from nextword.learn.checker.comparing import Near, Raised
from nextword.learn.checker.lines import text_of
from nextword.learn.checker.showing import in_words, innermost, side_by_side


def shown(yours: object, right: object) -> str:
    return "\n".join(line.rstrip() for line in text_of(side_by_side(yours, right)).splitlines())


def test_texts_are_shown_where_they_begin_to_differ() -> None:
    assert shown("abc", "abd") == "  yours: 'abc'\n  right: 'abd'"
    text = shown("x" * 200 + "abc", "x" * 200 + "abd")
    assert "(from character 172 on)" in text
    assert "abc'" in text


def test_small_dictionaries_are_tables() -> None:
    lines = shown({"steps": 3, "loss": 1.5}, {"steps": 4, "loss": 1.5}).splitlines()
    assert lines[0].split() == ["yours", "right"]
    assert lines[1].split() == ["steps", "3*", "4"]
    assert lines[2].split() == ["loss", "1.5", "1.5"]
    assert shown({"a": 1}, {"a": 1, "b": 2}).splitlines()[2].split() == ["b", "-*", "2"]


def test_lists_of_texts_are_tables() -> None:
    assert "'b'" in shown(["a", "b"], ["a", "c"])


def test_what_is_inside_other_things_is_found() -> None:
    right = {"x": [torch.zeros(2), torch.zeros(9)], "y": torch.zeros(1)}
    yours = {"x": [torch.zeros(2), torch.ones(9)], "y": torch.zeros(1)}
    assert innermost(yours, right)[0] == "'x', item 1"
    assert "'x', item 1:" in shown(yours, right)


def test_exceptions_and_statistics_in_words() -> None:
    raised = Raised("ValueError", "too long", 12, "raise ValueError('too long')", "ex18_gpt.py")
    assert in_words(raised) == "an error, ValueError: too long, in ex18_gpt.py, line 12: raise ValueError('too long')"
    many = shown(Near(torch.tensor([0.3, 0.71]), 0.02), Near(torch.tensor([0.1, 0.7]), 0.02))
    assert many.splitlines()[0] == "  give or take 0.02:"
    assert many.splitlines()[2] == "    0.30* 0.71  | 0.10* 0.70"
    assert shown(None, torch.zeros(2)).startswith("  yours: None\n")
    assert "0.100 ± 0.020" in shown(Near(0.3, 0.02), Near(0.1, 0.02))


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {"a": object()},
        [[1], "a"],
        torch.zeros(0),
        b"bytes",
        1 + 2j,
        torch.zeros(2, 0),
        {},
        [],
        (),
        "",
        math.inf,
    ],
)
def test_anything_can_be_shown(value: object) -> None:
    for other in (torch.ones(2, 2), "text", {"a": 1}, 3, None, [1, "b"], torch.zeros(0, 3)):
        assert shown(value, other) is not None
        assert shown(other, value) is not None
