import json
from collections.abc import Callable

import pytest
from learn.conftest import LAYER_NORM, answer

from nextword.learn.checker.report import Report
from nextword.learn.checker.track import TRACK

Check = Callable[..., Report]

NUMBER = TRACK.number("layer_norm")
FILE = f"ex{NUMBER:02}_layer_norm.py"


def lines(done: Report) -> list[str]:
    return str(done.as_json()["text"]).splitlines()


def test_a_known_mistake_is_named_with_its_remedy_and_an_example(check: Check) -> None:
    found = lines(check(answer("layer_norm", "unbiased-variance")))
    assert found[:4] == [
        f"Exercise {NUMBER}, LayerNorm: not yet.",
        "Your answer equals a LayerNorm with the unbiased variance.",
        "Divide the sum of squares by C, not by C - 1: x.var(-1, keepdim=True, correction=0).",
        TRACK["layer_norm"].mistake("unbiased-variance").why,
    ]
    assert found[5].startswith("two tokens of four numbers, weight 1 and bias 0 (the first that differs; 2 of 8")
    assert found[7].startswith("    -1.10 -0.55  0.55  1.10 | -1.26 -0.63  0.63  1.26")


def test_two_mistakes_are_both_named(check: Check) -> None:
    done = check(answer("layer_norm", "unbiased-variance").replace("return y + bias", "return y"))
    found = lines(done)
    assert found[1] == (
        "Your answer equals a LayerNorm with the unbiased variance and, besides, "
        "a LayerNorm that does not use its bias."
    )
    assert found[2].startswith("1. Divide")
    assert found[3] == "2. Add bias at the end."
    assert [mistake["name"] for mistake in done.mistakes] == ["unbiased-variance", "bias-ignored"]


def test_it_says_which_experiments_agree(check: Check) -> None:
    done = check(answer("layer_norm", "bias-ignored"))
    assert (done.n_right, done.n_probes) == (5, 8)
    assert "(the first that differs; 5 of 8 experiments agree)" in "\n".join(lines(done))


def test_of_an_unknown_mistake_it_says_what_is_to_be_seen(check: Check) -> None:
    found = lines(check(answer("layer_norm").replace("return y + bias", "return 2 * (y + bias)")))
    assert found[1].startswith("2 of 8 experiments agree. This is none of the mistakes that nextword knows by name.")
    assert found[2] == "Every number is 2 times the right one."


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        (
            "def layer_norm(x, weight, bias, eps=1e-5)\n    return x\n",
            "unreadable",
            f"{FILE}, line 1 is not Python: expected ':'.",
        ),
        (f"{LAYER_NORM}  y = (1\n", "unreadable", "'(' was never closed"),
        ("def layernorm(x):\n    return x\n", "unreadable", "has no layer_norm. It has layernorm. Did you rename it?"),
        ("import numpyy\n", "unreadable", "ModuleNotFoundError: No module named 'numpyy'."),
        ("raise NotImplementedError\n", "unfinished", "line 1"),
        ("def layer_norm(x, b):\n    return x\n", "error", "  right: layer_norm(x, weight, bias, eps=1e-05)"),
        (f"{LAYER_NORM}    return x @ weight[None]\n", "error", f"{FILE}, line 2: return x @ weight[None]"),
        (f"{LAYER_NORM}    return layer_norm(x, x, x)\n", "error", "calls itself without end"),
        (f"{LAYER_NORM}    y = x\n", "wrong", "It is None. Does the function return its result?"),
        (f"{LAYER_NORM}    return None + x\n", "error", "It stops with TypeError: unsupported operand"),
        (f"{LAYER_NORM}    return object()\n", "wrong", "It is an object; expected was a tensor."),
        (f"{LAYER_NORM}    return 'text'\n", "wrong", "It is a text (str); expected was a tensor."),
        (f"{LAYER_NORM}    return x[0, 0, 0]\n", "wrong", "IndexError"),
        ("layer_norm = 3\n", "error", "'int' object is not callable"),
    ],
)
def test_what_else_may_be_in_a_file(check: Check, source: str, status: str, words: str) -> None:
    done = check(source)
    assert done.status == status
    assert words in "\n".join(lines(done))


def test_a_caret_stands_under_the_error(check: Check) -> None:
    found = lines(check("def layer_norm(x, weight, bias, eps=1e-5)\n    return x\n"))
    assert found[-2].index(")") + 1 == found[-1].index("^")


def test_a_missing_file_is_told(check: Check, course) -> None:  # type: ignore[no-untyped-def]
    course.file("layer_norm").unlink()
    text = "\n".join(lines(check(None)))
    assert "is not there" in text
    assert f"nextword learn reset {NUMBER} writes" in text


def test_what_was_printed_is_shown_in_short(check: Check) -> None:
    done = check("for i in range(50):\n    print('line', i)\n" + answer("layer_norm"))
    shown = ["".join(text for text, _ in spans) for spans in done.whole()]
    assert "Your code printed:" in shown
    assert "  line 0" in shown
    assert "  line 49" in shown
    assert any("more lines" in text for text in shown)
    assert len(shown) < 20


def test_the_json_shape_is_stable(check: Check) -> None:
    done = check(answer("layer_norm", "bias-ignored"))
    packed = json.loads(json.dumps(done.as_json()))
    assert set(packed) == {
        "exercise", "number", "chapter", "passed", "status", "mistakes", "n_probes", "n_right", "first_wrong", "output",
        "notes", "sha256", "seconds", "text",
    }  # fmt: skip
    assert set(packed["mistakes"][0]) == {"name", "equals", "remedy", "why"}
    assert Report.unpacked(json.loads(json.dumps(done.packed()))) == done
