"""What the README says of the code is true of the code."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
SOURCE = "\n".join(file.read_text(encoding="utf-8") for file in (PROJECT / "src").rglob("*.py"))
TOUR = re.findall(r"^\| \d+ \| \[(\S+)\]\((\S+)\) \| (\d+) \|", README, re.MULTILINE)
PROBLEMS = re.findall(r"^\| `([^`]+)` \|", README.partition("## When something goes wrong")[2], re.MULTILINE)


def test_there_is_a_tour_and_a_table_of_problems() -> None:
    assert len(TOUR) >= 10
    assert len(PROBLEMS) >= 5


@pytest.mark.parametrize(("name", "path", "lines"), TOUR)
def test_the_tour_says_how_long_each_file_is(name: str, path: str, lines: str) -> None:
    assert path == f"src/nextword/{name}"
    actual = len((PROJECT / path).read_text(encoding="utf-8").splitlines())
    assert actual == int(lines), f"{name} has {actual} lines"


@pytest.mark.parametrize("message", PROBLEMS)
def test_the_program_says_what_the_table_says_it_says(message: str) -> None:
    # A number in a message is put in when it is printed: "The loss is nan" is written "The loss is {loss}".
    pattern = re.escape(message).replace("nan", r"(nan|\{loss\})").replace(r"window\ \+\ 1", r"window \+ 1")
    assert re.search(pattern, SOURCE), message


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)]+)\)", README):
        assert (PROJECT / target).exists(), target


def test_flags_exist() -> None:
    from dataclasses import fields

    from nextword.cli.bench import Arguments as Bench
    from nextword.cli.demo import Arguments as Demo
    from nextword.cli.export import Arguments as Export
    from nextword.cli.generate import Arguments as Generate
    from nextword.cli.learn_audit import Arguments as Audit
    from nextword.cli.learn_check import Arguments as Check
    from nextword.cli.learn_watch import Arguments as Watch
    from nextword.cli.serve import Arguments as Serve
    from nextword.cli.train import Arguments as Train

    verbs = (Audit, Bench, Check, Demo, Export, Generate, Serve, Train, Watch)
    known = {field.name for verb in verbs for field in fields(verb)} | {"help"}
    for flag in re.findall(r"(?<![\w-])--([a-z][a-z-]*)", README):
        assert flag.replace("-", "_") in known, f"--{flag}"


def test_what_an_example_imports_is_installed_or_the_readme_says_how() -> None:
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = {re.split(r"[^\w-]", name)[0] for name in pyproject["dependencies"]} | {"nextword"}
    for block in re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
        for name in re.findall(r"^(?:from|import) (\w+)", block, re.MULTILINE):
            known = name in own or name in sys.stdlib_module_names
            assert known or f"pip install {name}`" in README.partition(block)[0], name
