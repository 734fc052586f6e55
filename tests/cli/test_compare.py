from pathlib import Path

import pytest
from curves.logs import nanogpt, planted

from nextword.cli.compare import in_short
from nextword.cli.main import run

PLANTED = planted()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    for name in ("chars", "targets-unshifted"):
        (tmp_path / f"{name}.txt").write_text("\n".join(nanogpt(PLANTED[name])))
    return tmp_path


def test_runs_stand_side_by_side_with_a_verdict_each(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(logs / f"{name}.txt") for name in ("chars", "targets-unshifted")]
    status = run(["compare", *names, "--bytes-per-token", "1", "--plot", str(logs / "both.png")])
    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert lines[0].split()[:3] == ["run", "parameters", "updates"]
    assert lines[1].startswith("chars ")
    assert lines[1].endswith(" normal")
    assert lines[2].endswith(" leak")
    assert "256k" in lines[1]  # 500 updates of 512 tokens
    assert "targets that are not shifted" in lines[-1]
    assert (logs / "both.png").stat().st_size > 1000


def test_a_sound_run_ends_with_status_0(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", str(logs / "chars.txt")]) == 0
    assert "chars: A loss of 2." in capsys.readouterr().out


def test_runs_of_one_name_are_told_apart_by_their_paths(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (logs / "other").mkdir()
    (logs / "other" / "chars.txt").write_text((logs / "chars.txt").read_text())
    run(["compare", str(logs / "chars.txt"), str(logs / "other" / "chars.txt")])
    out = capsys.readouterr().out
    assert f"\n{logs / 'other' / 'chars.txt'}: A loss of" in out


def test_what_is_no_log_is_refused_in_words(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (logs / "poem.txt").write_text("Shall I compare thee to a summer's day?")
    assert run(["compare", str(logs / "poem.txt")]) == 2
    assert "no losses found" in capsys.readouterr().err
    assert run(["compare"]) == 2
    assert "nothing to compare" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("count", "said"),
    [(None, "-"), (812, "812"), (9_280, "9.28k"), (123_590_000, "124M"), (999_600, "1M"), (9_890_000_000, "9.89B")],
)
def test_counts_are_written_short(count: int | None, said: str) -> None:
    assert in_short(count) == said
