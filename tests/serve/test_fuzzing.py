"""Requests that nobody would think of, made from the API's own description."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from skipped import skip_file_without

from nextword.model import GPT
from nextword.train.run_directory import RunDirectory
from nextword.weights import save_huggingface

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
skip_file_without("schemathesis", "schemathesis is not installed: pip install schemathesis")
httpx = pytest.importorskip("httpx", reason="httpx (extra: test) is not installed")

# Where Hypothesis keeps which characters UTF-8 has: it takes three seconds to find that out.
ENVIRONMENT = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(Path(__file__).parents[2] / ".hypothesis")}


def fuzz(url: str, examples: int, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"]
    # A schema cannot say that prompt and max_tokens together must fit n_ctx, so some that it allows are refused.
    command += ["--max-examples", str(examples), "--seed", "1", "--exclude-checks", "positive_data_acceptance"]
    command += ["--generation-database", "none"]
    return subprocess.run([*command, *flags], capture_output=True, text=True, check=False, timeout=300, env=ENVIRONMENT)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of a search is not to lie about in the project."""
    monkeypatch.chdir(tmp_path)


def test_whatever_is_sent_the_answer_is_as_described(server: SimpleNamespace) -> None:
    done = fuzz(server.url, 20)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]


def test_whatever_is_asked_about_the_model_and_its_run(serve, small: GPT, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", {})
    save_huggingface(small, run.path)
    run.log(step=10, train_loss=9.0, val_loss=8.0)
    run.add_sample(10, "One day", " a goat")
    run.attention.add(10, small, torch.tensor([3, 14, 15]))
    with serve(run.path) as served:
        assert httpx.get(f"{served.url}/api/run").json()["attention"] == {"steps": [10], "ids": [3, 14, 15]}
        done = fuzz(served.url, 3, "--include-path-regex", "^/api/", "--phases", "coverage,fuzzing")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
