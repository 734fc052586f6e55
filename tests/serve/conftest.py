"""A small random GPT-2 with the whole vocabulary, as a directory, as a scheduler, and served by a real process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import randomize

from nextword.model import GPT, GPTConfig
from nextword.weights import save_huggingface

SMALL = GPTConfig(n_ctx=64, n_embd=32, n_head=2, n_layer=2)


@pytest.fixture(scope="session")
def small() -> GPT:
    model = GPT(SMALL).eval()
    randomize(model)
    return model


@pytest.fixture(scope="session")
def directory(small: GPT, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served") / "small"
    save_huggingface(small, path)
    return path


@contextmanager
def serving(directory: Path, *flags: str, before: str = "") -> Iterator[SimpleNamespace]:
    """A server process on a free port: `url`, `port` and `process`. before: Python to be run first."""
    command = [sys.executable, "-c", f"{before}\nfrom nextword.cli.main import main; main()", "serve"]
    command += ["--model", str(directory), "--name", "small", "--port", "0", "--device", "cpu", *flags]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "is served at" in line:
                url = line.split("is served at ")[1].split(",")[0]
                yield SimpleNamespace(url=url, process=process, port=int(url.rsplit(":", 1)[1]))
                return
        raise AssertionError(f"the server ended with {process.wait()}")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(scope="session")
def serve() -> Callable[..., object]:
    return serving


@pytest.fixture(scope="session")
def server(directory: Path) -> Iterator[SimpleNamespace]:
    """The one that most tests share."""
    with serving(directory, "--api-only") as served:
        yield served
