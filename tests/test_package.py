"""The wheel carries all that it needs: built, installed elsewhere, and used from there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nextword.learn.checker.track import TRACK

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nextword as pip installs it from its wheel; what it depends on is in this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("src", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, source / name)
    # What pip asks of setuptools, which pyproject.toml names.
    build = [sys.executable, "-c", "import sys; from setuptools.build_meta import *; build_wheel(sys.argv[1])"]
    subprocess.run([*build, str(folder)], cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    install = [*pip, "install", "--no-deps", "--no-compile", "--target", str(folder / "site"), str(wheel)]
    subprocess.run(install, check=True)
    return folder / "site"


def python(code: str, installed: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_used_from_where_it_was_installed(installed: Path) -> None:
    assert python("import nextword; print(nextword.__file__)", installed).strip() == str(
        installed / "nextword/__init__.py"
    )


def test_the_vocabulary_and_the_story_travel_along(installed: Path) -> None:
    code = (
        "from nextword.tokenizer import Tokenizer; from nextword.data import read_corpus\n"
        "print(Tokenizer().encode('Hello world'), len(read_corpus(['story']).documents[0]) > 20_000)"
    )
    assert python(code, installed).strip() == "[15496, 995] True"


def test_licences_travel_along(installed: Path) -> None:
    assert "OpenAI" in (installed / "nextword/tokenizer/LICENSE.openai").read_text()
    assert "CC0" in (installed / "nextword/data/LICENSE.story").read_text()


def test_the_exercises_travel_along(installed: Path) -> None:
    code = (
        "from nextword.learn.checker.audit import unplanted; from nextword.learn.checker.track import TRACK\n"
        "print(len(TRACK), 'def gelu' in TRACK['gelu'].code(), unplanted(TRACK['gelu']))"
    )
    assert python(code, installed).strip() == f"{len(TRACK)} True []"


def test_the_command_runs(installed: Path) -> None:
    arguments = ["train", "--tokenizer", "bytes", "--params", "200k", "--window", "32", "--steps", "1"]
    out = python(f"from nextword.cli.main import run; raise SystemExit(run({arguments}))", installed)
    assert "Done: runs/story holds the weights" in " ".join(out.split())
