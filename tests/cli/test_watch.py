import json
import os
import time

import pytest

from nextword.cli.main import run
from nextword.cli.watch import look


@pytest.fixture
def training(tmp_path):
    """A run that is half through, with a sample and half a line that is being written."""
    plan = {"steps": 200, "batch_size": 4, "window": 64, "accumulate": 1}
    (tmp_path / "run.json").write_text(json.dumps({"plan": plan, "data": {"bytes_per_token": 2.0}}))
    lines = [{"step": 0, "train_loss": None, "val_loss": 6.0}]
    lines += [
        {
            "step": step,
            "train_loss": 6.0 - step / 50,
            "val_loss": 4.5 if step == 90 else None,
            "lr": 0.002,
            "tok_per_s": 512,
        }
        for step in range(1, 101)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"step": 101, "tra')
    (tmp_path / "samples.md").write_text("## Step 0\n\n> old\n\n## Step 90\n\n> **A penny** on the\n> table\n\n")
    return tmp_path


def test_a_run_is_shown_once(training, capsys):
    assert run(["watch", str(training), "--once"]) == 0
    said = capsys.readouterr().out
    assert "step 100 of 200 (50%)" in said
    assert "best validation 4.500 (3.25 bits a byte)" in said  # 4.5 / ln 2 / 2
    assert "512 tokens/s   50 seconds left" in said  # 100 steps of 256 tokens
    assert "learning rate 0.002" in said
    assert "Written at step 90:\n**A penny** on the / table\n" in said


def test_a_run_that_stands_still_or_is_over_is_said_to(training):
    lines, is_over = look(training, 80, time.time() + 3600)
    assert not is_over
    assert "nothing new for 60 minutes" in lines[0]
    with (training / "log.jsonl").open("a") as file:
        file.write('\n{"step": 200, "train_loss": 2.0}\n')
    lines, is_over = look(training, 80, time.time())
    assert is_over
    assert lines[0].endswith("at its end")
    assert " left" not in lines[1]


def test_no_line_is_wider_than_the_terminal(training):
    """Where one would be cut, the verdict would be."""
    lines, _ = look(training, 50, time.time())
    assert max(map(len, lines[1:])) <= 50  # the first has the run's name


def test_another_programs_log_will_do(tmp_path, capsys):
    log = tmp_path / "nanogpt.txt"
    log.write_text("".join(f"iter {step}: loss {4 - step / 100:.4f}, time 12ms\n" for step in range(0, 200, 10)))
    os.utime(log)
    assert run(["watch", str(log), "--once"]) == 0
    assert "nanogpt   step 190" in capsys.readouterr().out


def test_mistakes(tmp_path, capsys):
    assert run(["watch", str(tmp_path / "nothing")]) == 2
    assert "is not there. Expected a run's directory" in capsys.readouterr().err
    assert run(["watch", str(tmp_path), "--every", "0"]) == 2
    assert "--every must be above 0" in capsys.readouterr().err
