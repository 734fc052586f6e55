"""Reviews in a process of their own: what somebody's code does there, and what comes back."""

import json
from pathlib import Path

import pytest

from nextword.cli.main import run
from nextword.doctor.findings import DoctorError
from nextword.doctor.visit import visit

MODELS = Path(__file__).parent / "models"

SMALL = """
import ctypes
import torch
from torch import nn


class GPT(nn.Module):
    def __init__(self, n_vocab=5, n_embd=3):
        super().__init__()
        self.table = nn.Embedding(n_vocab, n_embd)

    def forward(self, ids):
        while True: pass
"""


def write(folder: Path, text: str) -> str:
    (folder / "theirs.py").write_text(text, encoding="utf-8")
    return str(folder / "theirs.py")


def test_the_command_prints_json_and_says_by_its_status_whether_it_is_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (MODELS / "lecture.py").read_text(encoding="utf-8").replace("x = tok_emb + pos_emb", "x = tok_emb")
    assert run(["learn", "doctor", write(tmp_path, f"print('hello')\n{text}"), "--json"]) == 1
    done = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in done["findings"] if one["level"] == "wrong"] == ["positions-unused"]
    assert done["output"] == "hello\n"


def test_an_endless_loop_is_stopped_and_its_line_told(tmp_path: Path) -> None:
    review = visit(write(tmp_path, SMALL), time_limit=0.5)
    assert review.names == ("timeout",)
    assert review.findings[0].place is not None
    assert review.findings[0].place.lines == ((13, "while True: pass"),)


def test_a_crash_is_survived_and_its_line_told(tmp_path: Path) -> None:
    review = visit(write(tmp_path, SMALL.replace("while True: pass", "ctypes.string_at(0)")))
    assert review.names == ("crashed",)
    assert "SIGSEGV" in review.findings[0].title


def test_a_users_mistake_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["learn", "doctor", write(tmp_path, "x = 5\n")]) == 2
    assert capsys.readouterr().err.startswith("nextword: theirs.py defines no torch.nn.Module. Name the file")
    with pytest.raises(ValueError, match="--time-limit must be a number of seconds above 0"):
        visit("theirs.py", time_limit=0)


def test_what_fails_in_the_other_process_is_told_here(tmp_path: Path) -> None:
    with pytest.raises(DoctorError, match="--make failed: NameError"):
        visit(write(tmp_path, SMALL), "GTP()")
