"""`nextword train --nproc`: several processes, which one Ctrl-C stops."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from nextword.cli.main import run


def started(folder: Path) -> subprocess.Popen[str]:
    """Start a training in two processes, and wait until it has made a step."""
    (folder / "text.txt").write_text("The ferry left at seven, with nine people and a goat. " * 40)
    command = "train --nproc 2 --data text.txt --tokenizer bytes --n-layer 1 --n-embd 8 --n-head 1 --n-ctx 16 --out run"
    lengths = "--window 16 --steps 1000000 --eval-every 1000000"
    process = subprocess.Popen(
        [sys.executable, "-m", "nextword", *command.split(), *lengths.split()],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as a shell gives each command a group, which Ctrl-C reaches whole
    )
    log, deadline = folder / "run" / "log.jsonl", time.monotonic() + 120
    while not (log.exists() and log.read_text().count("\n") > 3):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process


def test_ctrl_c_reaches_all_and_saves_once(tmp_path):
    first = started(tmp_path)
    os.killpg(first.pid, signal.SIGINT)
    assert first.communicate(timeout=60)[1] == ""
    assert first.returncode == 130
    [checkpoint] = (tmp_path / "run" / "checkpoints").iterdir()
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert steps == list(range(int(checkpoint.name.removeprefix("step-")) + 1))


def test_a_number_that_is_none_is_refused(capsys):
    assert run(["train", "--nproc", "0", "--data", "story"]) == 2
    assert "--nproc must be at least 1" in capsys.readouterr().err
