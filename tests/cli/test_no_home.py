"""A user without a home directory, as containers have them: no HOME, and no entry in passwd."""

import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cli.conftest import Cli

pwd = pytest.importorskip("pwd")


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nobody(uid: int) -> object:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    def refuse(*_: object, **__: object) -> object:
        raise urllib.error.URLError(OSError(101, "Network is unreachable"))

    for name in ("HOME", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("train", "--data", "shakespeare"), "train on that file: --data tinyshakespeare.txt"),
        (("train", "--data", "~/notes.txt"), "~/notes.txt: no such file"),
        (("train", "--init", "gpt2"), "export HF_HOME=/path/to/folder"),
        (("generate", "Hello", "--model", "gpt2"), "export HF_HOME=/path/to/folder"),
        (("generate", "Hello", "--model", "~/run"), "~/run is neither a path that exists nor"),
        (("generate", "Hello", "--model", "~/my.py:GPT", "--weights", "gpt2"), "export HF_HOME="),
        (("trace", "Hello", "--model", "~/run"), "~/run is neither a path that exists nor"),
        (("serve", "--model", "~/run"), "~/run is neither a path that exists nor"),
        (("export", "~/run", "--out", "there"), "~/run is neither a path that exists nor"),
        (("learn", "doctor", "~/my.py:GPT"), "~/my.py"),
    ],
)
def test_it_is_told_in_one_line_what_is_not_there(cli: Cli, arguments: tuple[str, ...], told: str) -> None:
    status, _, err = cli(*arguments)
    assert status == 2
    assert told in err
    lines = [line for line in err.splitlines() if not line.startswith("[Compiling")]  # kernels have no place either
    assert len(lines) == 1
    assert os.listdir() == []  # above all no folder that is called ~
