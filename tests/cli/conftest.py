"""What the tests of the command line share."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from nextword.cli.main import run
from nextword.model import GPT, GPTConfig
from nextword.weights import save_huggingface

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process: cli("train", "--help") -> (status, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = run([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Starts a command as a process of its own, as a user would."""

    def call(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from nextword.cli.main import main; main()", *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return call


@pytest.fixture(scope="session")
def model_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with GPT-2's vocabulary, saved."""
    torch.manual_seed(0)
    directory = tmp_path_factory.mktemp("model")
    save_huggingface(GPT(GPTConfig(n_ctx=32, n_embd=16, n_head=2, n_layer=2)), directory)
    return directory


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    file = tmp_path / "counting.txt"
    file.write_text(" ".join(f"{n} and {n + 1} make {2 * n + 1}." for n in range(120)))
    return file
