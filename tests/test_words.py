"""Docstrings begin as the field writes them: one short sentence, with one relative clause at most."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import nextword

SOURCE = Path(nextword.__file__).parent
DESIGN = (Path(__file__).parent.parent / "docs" / "design.md").read_text(encoding="utf-8")
WORDS, CLAUSES = 18, 1
NOT_YET: set[str] = set()
"""Rooms whose docstrings are still to be mended."""

TWICE = {"Answer", "Findings", "Piece", "Reading", "Source", "Watch"}
"""Names that are still given to two classes. `Arguments` are those of a verb, a class in each file of cli/."""

SHAPES = re.compile(r"\([^)]*\)|`[^`]*`|: [^:]*->.*$")
RELATIVE = re.compile(r"\b(?<!so )(?:that|which|who|whom|whose|whoever|what|whatever|where|how(?! many| much))\b", re.I)


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def definitions(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a file: no expression holds a docstring."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from definitions(child)


def docstrings(file: Path) -> Iterator[tuple[str, str]]:
    """What a file has docstrings of, with the line, and the first sentence of each."""
    for node in definitions(tree(file)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
            yield f"{getattr(node, 'name', 'module')}, line {getattr(node, 'lineno', 1)}", first_sentence(text)


def first_sentence(text: str) -> str:
    """The text up to the first full stop, without shapes, names in backquotes and what stands in brackets."""
    return SHAPES.sub("", re.split(r"(?<=[.?!])\s", text, maxsplit=1)[0])


FILES = [file for file in sorted(SOURCE.rglob("*.py")) if not {"answers", *NOT_YET} & {*file.parts}]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_docstrings_begin_with_a_short_sentence(file: Path) -> None:
    long = [
        f"{where}: {sentence}"
        for where, sentence in docstrings(file)
        if len(sentence.split()) > WORDS or len(RELATIVE.findall(sentence)) > CLAUSES
    ]
    assert not long, f"more than {WORDS} words or {CLAUSES} relative clause:\n" + "\n".join(long)


def test_a_long_sentence_is_found() -> None:
    assert first_sentence("Add two: x (B, T), y (B, T) -> (B, T). And more.") == "Add two"
    assert len(RELATIVE.findall("What some parts made of what they read, so that it fits.")) == 2


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[Path]] = {}
    for file in SOURCE.rglob("*.py"):
        if "answers" not in file.parts and file.name != "stub.py":
            for node in tree(file).body:
                if isinstance(node, ast.ClassDef):
                    places.setdefault(node.name, []).append(file.relative_to(SOURCE))
    assert {name for name, files in places.items() if len(files) > 1} <= {"Arguments", *TWICE}


def test_every_place_in_the_table_of_words_is_there() -> None:
    table = DESIGN.partition("## Words")[2].partition("\n## ")[0]
    rows = [line.rsplit("|", 2)[1] for line in table.splitlines() if line.startswith("| ") and "`" in line]
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(names) > 20
    assert not [name for name in names if not (SOURCE / name).exists()]
