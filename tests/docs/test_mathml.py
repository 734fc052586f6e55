"""Formulas become MathML, and what the converter does not know is an error instead of a line of LaTeX on the page."""

import pytest
from skipped import skip_file_without

skip_file_without("latex2mathml", "needs the extra 'docs'")
skip_file_without("sphinx", "needs the extra 'docs'")


def in_mathml(latex: str, display: str) -> str:
    """What the book's own converter makes of a formula."""
    from docs._ext import mathml

    return mathml.in_mathml(latex, display)


def test_a_formula_becomes_mathml() -> None:
    mathml = in_mathml(r"\frac{x_i}{2}", "block")
    assert mathml.startswith("<math")
    assert 'display="block"' in mathml
    assert "<mfrac>" in mathml


@pytest.mark.parametrize("latex", [r"\unheardof{x}", r"\begin{aligned} a &= b \end{aligned}", r"\text{c\_proj}"])
def test_what_cannot_be_converted_is_told(latex: str) -> None:
    with pytest.raises(ValueError, match="cannot be converted"):
        in_mathml(latex, "block")


def test_the_name_of_a_function_is_no_operator() -> None:
    assert "<mi>softmax</mi>" in in_mathml(r"\operatorname{softmax}(x)", "inline")
    assert "<mo>max</mo>" in in_mathml(r"\max_j x_j", "inline")
