"""What the README says of the code is true of the code."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from docs.tour import counted

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (PROJECT / "benchmarks" / "README.md").read_text(encoding="utf-8")
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
    assert actual == int(lines), f"{name} has {actual} lines: make tour"


def test_make_tour_numbers_the_rows_and_counts_the_lines() -> None:
    off = re.sub(r"^(\| )\d+( \| \[\S+\]\(src/\S+\) \| )\d+ ", r"\g<1>7\g<2>7 ", README, flags=re.MULTILINE)
    assert off != README
    assert counted(off) == README, "make tour"


@pytest.mark.parametrize("message", PROBLEMS)
def test_the_program_says_what_the_table_says_it_says(message: str) -> None:
    # A number in a message is put in when it is printed: "The loss is nan" is written "The loss is {loss}".
    pattern = re.escape(message).replace("nan", r"(nan|\{loss\})").replace(r"window\ \+\ 1", r"window \+ 1")
    assert re.search(pattern, SOURCE), message


def measured(work: str, program: str, precision: str) -> tuple[str, str]:
    """The median of the last measured table, and the machine's limit, if there is one."""
    section = BENCHMARKS.partition(f"### {work}\n")[2].partition("### ")[0]
    row = re.search(
        rf"^\| {re.escape(program)} \| {precision} \| ([\d.,]+)[^|]*\|(?: \d+% of ([\d.,]+))?", section, re.M
    )
    assert row is not None, (work, program, precision)
    return row[1], row[2]


def rounded(number: str) -> str:
    return f"{float(number.replace(',', '')):,.0f}"


@pytest.mark.parametrize(
    ("line", "works", "precisions"),
    [
        ("write, float32 / bfloat16", ["Decode, 1 text"] * 2, ["float32", "bfloat16"]),
        ("write, int8 / int4", ["Decode, 1 text"] * 2, ["int8", "int4"]),
        ("write 8 texts side by side, bfloat16 / int8", ["Decode, 8 texts"] * 2, ["bfloat16", "int8"]),
        (
            "read a prompt of 512, float32 / bfloat16 / int8",
            ["Prefill, 512 tokens"] * 3,
            ["float32", "bfloat16", "int8"],
        ),
        (
            "train, B=2 T=256 / B=8 T=1024, bfloat16",
            ["Training, B=2 T=256", "Training, B=8 T=1024"],
            ["bfloat16", "bfloat16"],
        ),
    ],
)
def test_figures_are_those_of_the_last_measured_table(line: str, works: list[str], precisions: list[str]) -> None:
    _, _, own, _, remark, _ = (
        cell.strip() for cell in re.search(rf"^(\|) {re.escape(line)} \|.*$", README, re.M)[0].split("|")
    )
    found = [measured(work, "nextword", precision) for work, precision in zip(works, precisions, strict=True)]
    assert own == " / ".join(rounded(median) for median, _ in found)
    if "allow" in remark:
        assert re.search(r"about (.+)$", remark)[1] == " / ".join(rounded(limit) for _, limit in found)


def test_the_cpu_build_to_install_is_the_one_that_make_keeps() -> None:
    (named,) = re.findall(r"pip install torch==(\S+?)`", README)
    (pinned,) = re.findall(r"^torch(==\S+)$", (PROJECT / "constraints.txt").read_text(), re.M)
    assert f"=={named}" == pinned
    assert SpecifierSet(pinned).contains(f"{named}+cpu")  # so pip, which decides by this, leaves it alone


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)]+)\)", README):
        assert (PROJECT / target).exists(), target


def test_flags_exist() -> None:
    from dataclasses import fields

    from nextword.cli.bench import Arguments as Bench
    from nextword.cli.compare import Arguments as Compare
    from nextword.cli.demo import Arguments as Demo
    from nextword.cli.eval import Arguments as Eval
    from nextword.cli.export import Arguments as Export
    from nextword.cli.generate import Arguments as Generate
    from nextword.cli.learn_audit import Arguments as Audit
    from nextword.cli.learn_check import Arguments as Check
    from nextword.cli.learn_watch import Arguments as Watch
    from nextword.cli.plan import Arguments as Plan
    from nextword.cli.serve import Arguments as Serve
    from nextword.cli.tokenizer_train import Arguments as TokenizerTrain
    from nextword.cli.train import Arguments as Train
    from nextword.cli.tune import Arguments as Tune

    verbs = (
        Audit,
        Bench,
        Check,
        Compare,
        Demo,
        Eval,
        Export,
        Generate,
        Plan,
        Serve,
        TokenizerTrain,
        Train,
        Tune,
        Watch,
    )
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
