"""Formulas become MathML, and what the converter does not know is an error instead of a line of LaTeX on the page."""

import pytest

pytest.importorskip("latex2mathml", reason="needs the extra 'docs'")
pytest.importorskip("sphinx", reason="needs the extra 'docs'")

from docs._ext.mathml import in_mathml


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
