"""The tour shows functions that exist, and the page and the server name the same ones."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import nextword.decode.choose
import nextword.model.block
from nextword.serve import source as module
from nextword.serve.source import PACKAGE, SHOWN, source, sources

STOPS = (Path(module.__file__).parent / "page" / "stops.js").read_text(encoding="utf-8")


def test_the_page_names_what_the_server_shows() -> None:
    assert re.findall(r'code: "([^"]+)"', STOPS) == list(SHOWN)
    assert set(sources()) == set(SHOWN)


def test_lines_and_text_are_what_python_says() -> None:
    for name, function in (
        ("decode/choose.py:keep_top_p", nextword.decode.choose.keep_top_p),
        ("model/block.py:Block.forward", nextword.model.block.Block.forward),
    ):
        found = source(name)
        lines, first = inspect.getsourcelines(function)
        assert found["line"] == first
        assert found["text"].splitlines()[-1].strip() == lines[-1].strip()
        assert found["text"].startswith("def ")


def test_decorators_are_shown_and_the_line_is_where_the_name_stands() -> None:
    found = source("lens/plain.py:logit_lens")
    assert found["text"].startswith("@torch.no_grad()\ndef logit_lens(")


def test_the_code_is_shown_whole_and_without_its_docstring() -> None:
    for name, found in sources().items():
        file, _, symbol = name.partition(":")
        shown = ast.parse(found["text"]).body[0]
        assert isinstance(shown, ast.FunctionDef)
        assert ast.get_docstring(shown) is None, name
        tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
        [written] = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and (node.name, node.lineno) == (symbol.split(".")[-1], found["line"])
        ]
        said = ast.get_docstring(written) is not None
        assert [ast.unparse(line) for line in shown.body] == [ast.unparse(line) for line in written.body[said:]], name


def test_a_name_that_is_gone_is_told() -> None:
    with pytest.raises(ValueError, match=r"decode/choose\.py has no chose"):
        source("decode/choose.py:chose")
