"""Find the functions of the page's tour: file, line and code."""

import ast
from functools import cache
from pathlib import Path
from typing import TypedDict

PACKAGE = Path(__file__).parent.parent

SHOWN = (
    "tokenizer/bpe.py:encode",
    "model/gpt.py:GPT.head",
    "decode/choose.py:weigh",
    "decode/choose.py:keep_top_p",
    "decode/choose.py:choose",
    "model/plain.py:cross_entropy",
    "model/plain.py:causal_attention",
    "lens/plain.py:logit_lens",
    "model/block.py:Block.forward",
    "train/plain.py:gradient_step",
)
"""One for each stop of the tour, as `page/stops.js` names them: a file of the package, and a function in it."""


class Source(TypedDict):
    """Where a function begins, and its code without the docstring."""

    line: int
    text: str


@cache
def sources() -> dict[str, Source]:
    """List all that the tour shows, by name. The files are read, not imported, so that this costs next to nothing."""
    return {name: source(name) for name in SHOWN}


def source(name: str) -> Source:
    """Look a function up: "model/block.py:Block.forward" -> its first line's number, and its code.

    Raises ValueError where the file has no such function.
    """
    file, _, symbol = name.partition(":")
    text = (PACKAGE / file).read_text(encoding="utf-8")
    place: ast.AST = ast.parse(text)
    for part in symbol.split("."):
        inner = [
            node
            for node in ast.iter_child_nodes(place)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part
        ]
        if not inner:
            raise ValueError(f"{file} has no {symbol}: was it renamed? The tour's stops name it.")
        place = inner[0]
    assert isinstance(place, ast.FunctionDef)
    decorators = [decorator.lineno for decorator in place.decorator_list]
    first = min([place.lineno, *decorators])
    lines = text.splitlines()[first - 1 : place.end_lineno]
    if ast.get_docstring(place) is not None:
        said = place.body[0]
        assert said.end_lineno is not None
        del lines[said.lineno - first : said.end_lineno + 1 - first]
    indent = len(lines[0]) - len(lines[0].lstrip())
    return Source(line=place.lineno, text="\n".join(line[indent:] for line in lines))
