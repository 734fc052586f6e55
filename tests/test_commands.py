"""A command in a message can be pasted into the shell."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nextword.cli.main import VERBS
from nextword.commands import command, quoted

SOURCE = Path(__file__).parent.parent / "src" / "nextword"


def script(folder: Path) -> Path:
    path = folder / "nextword"
    folder.mkdir(parents=True, exist_ok=True)
    path.touch(0o755)
    return path


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """In an empty folder, with nothing on the PATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    return monkeypatch


@pytest.mark.parametrize("typed", [".venv/bin/nextword", "{here}/.venv/bin/nextword"])
def test_a_script_that_is_not_on_the_path_is_called_by_its_own(
    called: pytest.MonkeyPatch, tmp_path: Path, typed: str
) -> None:
    program = script(tmp_path / ".venv" / "bin")
    called.setattr("sys.argv", [typed.format(here=tmp_path), "demo"])
    assert command("serve") == ".venv/bin/nextword serve"
    called.setenv("PATH", str(script(tmp_path / "other").parent))  # another nextword is not this one
    assert command("serve") == ".venv/bin/nextword serve"
    called.setenv("PATH", str(program.parent))
    assert command("serve") == "nextword serve"


def test_a_script_elsewhere_is_called_by_its_whole_path(called: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = script(tmp_path / "my programs")
    (tmp_path / "here").mkdir()
    called.chdir(tmp_path / "here")
    called.setattr("sys.argv", [str(program)])
    assert command("demo") == f'"{program}" demo'
    assert shlex.split(command("demo")) == [str(program), "demo"]


def test_a_script_in_this_very_folder_needs_the_folder_s_name(called: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called.setattr("sys.argv", [str(script(tmp_path))])
    assert command("demo") == "./nextword demo"


def test_who_called_the_module_is_told_that(called: pytest.MonkeyPatch) -> None:
    called.setattr("sys.argv", [str(SOURCE / "__main__.py"), "demo"])
    called.setattr("sys.orig_argv", [".venv/bin/python", "-m", "nextword", "demo"])
    assert command("demo") == ".venv/bin/python -m nextword demo"


def test_in_a_program_of_a_user_s_own_it_is_the_script_beside_the_python_that_runs(
    called: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called.setattr("sys.argv", ["notebook.py"])
    called.setattr("sys.executable", str(tmp_path / "env" / "bin" / "python"))
    assert command("demo") == "nextword demo"  # there is none
    script(tmp_path / "env" / "bin")
    assert command("demo") == "env/bin/nextword demo"


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("runs/story", "runs/story"),
        ("Every effort", '"Every effort"'),
        ("it's", '"it\'s"'),
        ("50 $ each", "'50 $ each'"),
        ('say "no"', "'say \"no\"'"),
        ("~/x", '"~/x"'),
        ("", '""'),
        (7, "7"),
    ],
)
def test_words_are_quoted_as_a_shell_reads_them(word: object, right: str) -> None:
    assert quoted(word) == right
    shell = subprocess.run(["sh", "-c", f"printf %s {right}"], capture_output=True, text=True, check=True)
    assert shell.stdout == str(word)


def strings(file: Path) -> Iterator[str]:
    """The string constants of a file that are not docstrings, an f-string's pieces among them."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_no_message_spells_a_command_itself() -> None:
    spelled = re.compile(rf"\bnextword (?:{'|'.join(VERBS)}) ")
    found = {
        f"{file.relative_to(SOURCE)}: {text[:80]}"
        for file in SOURCE.rglob("*.py")
        if file.name != "starting.py"  # it writes files, and cannot know how nextword will be called by who reads them
        for text in strings(file)
        if spelled.search(f"{text} ")
    }
    assert found == set(), "use nextword.commands.command"


def test_python_m_nextword_is_nextword() -> None:
    def say(*arguments: str) -> subprocess.CompletedProcess[str]:
        whole = [sys.executable, "-m", "nextword", *arguments]
        return subprocess.run(whole, capture_output=True, text=True, check=False)

    done = say("trace", "", "--model", "none")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == f'nextword: The prompt is empty: {sys.executable} -m nextword trace "Every effort moves you"\n'
    )
    usage = " ".join(say("export", "--help").stdout.split())
    assert f"usage: {sys.executable} -m nextword export" in usage
    assert f"usage: {sys.executable} -m nextword VERB" in say().stdout
