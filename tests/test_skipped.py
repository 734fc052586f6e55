import os
import subprocess
import sys
from pathlib import Path

SUITE = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("no Chromium here (Debian: apt install chromium)")

@pytest.mark.parametrize("n", range(3))
def test_page(browser, n): ...

@pytest.mark.skipif(True, reason="there is no GPU here")
def test_gpu(): ...

def test_passes(): ...
"""


def test_each_reason_is_told_once_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "skipped",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            tmp_path,
            tmp_path,
        ],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line for line in done.stdout.splitlines() if " skipped: " in line]
    assert told == ["3 skipped: no Chromium here (Debian: apt install chromium)", "1 skipped: there is no GPU here"]
    assert "1 passed, 4 skipped" in done.stdout
