import json
from pathlib import Path

import pytest
from cli.conftest import Cli

from nextword.cli import learn_graduate
from nextword.learn.checker.track import TRACK
from nextword.learn.course.graduation import Graduation
from nextword.learn.course.starting import init


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which all but the electives have passed."""
    monkeypatch.chdir(tmp_path)
    begun = init(tmp_path / "my_gpt2").course
    for name in TRACK.names:
        if name not in TRACK.chapters["electives"]:
            begun.progress.checked(name, True, begun.sha256(name))
    return begun.path


def test_what_is_still_to_do_is_named(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    init(tmp_path / "my_gpt2")
    status, _, err = cli("learn", "graduate")
    assert status == 2
    assert "exercises have not passed yet: 1 encode; 2 decode; " in err


def test_a_certificate_is_written_and_shown(cli: Cli, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn_graduate, "examine", lambda *_a, **_k: Graduation(prompt="Once", written=" upon"))
    status, out, _ = cli("learn", "graduate")
    assert status == 0
    assert (course / "certificate.md").read_text() in out
    assert "nextword train --model my_gpt2:GPT" in out


def test_a_model_that_does_not_fit_together_gets_none(cli: Cli, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn_graduate, "examine", lambda *_a, **_k: Graduation(mistakes=("it sees ahead",)))
    status, out, _ = cli("learn", "graduate")
    assert status == 1
    assert "it sees ahead" in out
    assert not (course / "certificate.md").exists()


def test_json(cli: Cli, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn_graduate, "examine", lambda *_a, **_k: Graduation(recalled=0.5))
    status, out, _ = cli("learn", "graduate", "--json")
    assert status == 0
    assert json.loads(out)["graduated"] is True
    assert json.loads(out)["recalled"] == 0.5


def test_code_that_stops_is_told_of(cli: Cli, course: Path) -> None:
    status, out, _ = cli("learn", "graduate")  # what has "passed" here are stubs
    assert status == 1
    assert "it stops with NotImplementedError: " in out
    assert "still to be written" in out


def test_a_time_limit_ends_it(cli: Cli, course: Path) -> None:
    status, _, err = cli("learn", "graduate", "--time-limit", 0.01)
    assert status == 2
    assert "No end after 0.01 seconds" in err
