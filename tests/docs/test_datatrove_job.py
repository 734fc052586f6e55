import sys

import pytest

from nextword.cli.main import run


def test_a_job_of_two_workers_writes_what_one_machine_does(tmp_path, monkeypatch):
    pytest.importorskip("datatrove", reason="datatrove is not installed")
    from docs import datatrove_job

    monkeypatch.chdir(tmp_path)
    command = ["story", "--out", "tokens", "--val", "1000"]
    monkeypatch.setattr(sys, "argv", ["datatrove_job", *command, "--parts", "3", "--workers", "2"])
    datatrove_job.main()
    assert run(["data", "prepare", "story", "--out", "whole", "--val", "1000"]) == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "tokens").iterdir()} == whole
    assert len(whole) == 3
