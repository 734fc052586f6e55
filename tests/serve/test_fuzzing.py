"""Requests that nobody would think of, made from the API's own description."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install schemathesis")


def test_whatever_is_sent_the_answer_is_as_described(server: SimpleNamespace, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", "--max-examples", "20"]
    # A schema cannot say that prompt and max_tokens together must fit n_ctx, so some that it allows are refused.
    command += ["--seed", "1", "--exclude-checks", "positive_data_acceptance"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
