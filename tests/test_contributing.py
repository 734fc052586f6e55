"""CONTRIBUTING.md's first changes, really made in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CHANGES = re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", TEXT, re.MULTILINE | re.DOTALL)
BLOCK = re.compile(
    r"^(?:`(?P<path>[\w/.]+)`(?:, new)?:\n\n)?```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
COPIED = ("src", "tests", "benchmarks", "docs", "README.md", "pyproject.toml")
TRIED = {
    "A sampler": "tests/decode/test_sampler.py",
    "A learning-rate schedule": "tests/train/test_schedule.py",
    "A weight format": "tests/weights/test_npz.py tests/weights/test_directory.py tests/test_words.py",
    "An exercise": "tests/learn/exercises/test_exercises.py tests/docs/test_chapters.py tests/docs/test_readable.py",
}


def change(project: Path, instructions: str) -> None:
    """Follow them: write new files, and find the lines of each diff exactly once in theirs."""
    path = ""
    for block in BLOCK.finditer(instructions):
        path = block["path"] or path
        file, code = project / path, block["code"]
        if block["kind"] != "diff":
            assert not file.exists(), path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code, encoding="utf-8")
            continue
        lines = code.splitlines(keepends=True)
        before, after = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
        text = file.read_text(encoding="utf-8")
        assert not before or text.count(before) == 1, f"{path} should hold once:\n{before}"
        file.write_text(text.replace(before, after) if before else text + after, encoding="utf-8")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with all first changes made."""
    project = tmp_path_factory.mktemp("contributing")
    for name in COPIED:
        source = PROJECT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, project / name)
    for _, instructions in CHANGES:
        change(project, instructions)
    return project


def run(project: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": f"{project}/src"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_change_is_one_that_is_tried() -> None:
    assert [name for name, _ in CHANGES] == list(TRIED)


def test_where_it_sends_people_there_is_something() -> None:
    table = TEXT[TEXT.index("| to change | go to |") :]
    for path in re.findall(r"`([\w/]+(?:\.\w+|/))`", table):
        assert path in ("mistakes.toml", "answers/") or any(
            (PROJECT / below / path).exists() for below in ("src/nextword", "")
        ), path


def test_the_first_changes_work_as_they_are_written(changed: Path) -> None:
    """Their own tests pass, and of the exercise's those that hold for every exercise and every chapter."""
    run(changed, "-m", "docs.readable")
    run(changed, "-m", "docs.tour")
    files = [file for files in TRIED.values() for file in files.split()]
    chosen = "top_n_sigma or square_root or npz or training_flops or order_of_the_exercises or no_directory_of"
    said = run(changed, "-m", "pytest", "-p", "no:cacheprovider", "-k", chosen, *files)
    # One of each, the docstrings, what holds for every exercise, and the chapter's parts, code, place and text.
    assert int(re.search(r"(\d+) passed", said)[1]) >= 4 + 3 + 8 + 4  # type: ignore[index]


def test_what_is_to_be_run_is_there() -> None:
    for path in re.findall(r"tests/[\w/.]+\w", TEXT):
        assert (PROJECT / path).exists() or f"`{path}`, new" in TEXT, path


def test_the_flags_are_there(changed: Path) -> None:
    assert "--top-n-sigma" in run(changed, "-m", "nextword", "generate", "--help")


def test_the_code_is_formatted_as_the_rest_is(changed: Path) -> None:
    if shutil.which("ruff") is None:
        pytest.skip("ruff (extra: check) is not installed")
    for tool in (("ruff", "check", "--no-cache"), ("ruff", "format", "--check", "--no-cache")):
        done = subprocess.run(tool, cwd=changed, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
