"""Docstrings begin as the field writes them: one short sentence, with one relative clause at most."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import nextword

SOURCE = Path(nextword.__file__).parent
WORDS, CLAUSES = 18, 1
NOT_YET = {"bench", "cli", "data", "doctor", "evaluate", "learn", "loading", "native", "onefile"} | {
    "tokenizer",
    "train",
    "weights",
}
"""Rooms whose docstrings are still to be mended."""

SHAPES = re.compile(r"\([^)]*\)|`[^`]*`|: [^:]*->.*$")
RELATIVE = re.compile(r"\b(?<!so )(?:that|which|who|whom|whose|whoever|what|whatever|where|how(?! many| much))\b", re.I)


def room_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def docstrings(file: Path) -> Iterator[tuple[str, str]]:
    """What a file has docstrings of, with the line, and the first sentence of each."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
            yield f"{getattr(node, 'name', 'module')}, line {getattr(node, 'lineno', 1)}", first_sentence(text)


def first_sentence(text: str) -> str:
    """The text up to the first full stop, without shapes, names in backquotes and what stands in brackets."""
    return SHAPES.sub("", re.split(r"(?<=[.?!])\s", text, maxsplit=1)[0])


FILES = [file for file in sorted(SOURCE.rglob("*.py")) if "answers" not in file.parts and room_of(file) not in NOT_YET]


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


def test_the_rooms_still_to_be_mended_are_there() -> None:
    assert {room_of(file) for file in SOURCE.rglob("*.py")} >= NOT_YET
