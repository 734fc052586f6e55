import os
import shutil
import subprocess

import pytest
from cli.conftest import Cli

import nextword.cli.generate
from nextword.cli.arguments import readable_width
from nextword.cli.main import VERBS


def test_without_a_verb_the_verbs_are_listed(cli: Cli) -> None:
    for arguments in ((), ("--help",), ("-h",)):
        status, out, _ = cli(*arguments)
        assert status == 0
        for verb in VERBS:
            assert f"  {verb} " in out


def test_version(cli: Cli) -> None:
    status, out, _ = cli("--version")
    assert status == 0
    assert out.startswith("nextword 0.")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(cli: Cli, verb: str) -> None:
    status, out, _ = cli(verb, "--help")
    assert status == 0
    assert f"usage: nextword {verb}" in out


@pytest.mark.parametrize(
    ("given", "within", "after"),
    [
        ("1", 40, "1"),
        ("5", 40, "5"),
        ("39", 40, "39"),
        ("57", 57, "57"),
        ("0", 80, None),
        ("-3", 80, None),
        ("x", 80, None),
    ],
)
def test_help_is_written_in_forty_columns_at_least(
    monkeypatch: pytest.MonkeyPatch, given: str, within: int, after: str | None
) -> None:
    monkeypatch.setenv("COLUMNS", given)
    monkeypatch.setattr("sys.__stdout__", None)  # no terminal, whoever runs the tests
    with readable_width():
        assert shutil.get_terminal_size().columns == within
    assert os.environ.get("COLUMNS") == after


def test_help_ends_in_the_narrowest_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1")
    for verb in VERBS:
        status, out, _ = cli(verb, "--help")
        assert status == 0
        assert len(out.split()) > 20
    assert cli("train", "--nonsense")[0] == 2


def test_a_mistyped_verb_is_guessed(cli: Cli) -> None:
    assert cli("trian") == (2, "", "nextword: There is no verb 'trian'. Did you mean train?\n")
    assert cli("xyz") == (2, "", f"nextword: There is no verb 'xyz'. There are {', '.join(VERBS)}.\n")


def test_an_unknown_flag_exits_with_2(cli: Cli) -> None:
    status, _, err = cli("train", "--learning-rate", "1")
    assert status == 2
    assert "--learning-rate" in err


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ValueError("two\n lines"), 2, "nextword: two lines\n"),
        (nextword.errors.WeightsError("broken"), 2, "nextword: broken\n"),
        (nextword.errors.TrainingError("NaN"), 1, "nextword: NaN\n"),
        (OSError(28, "No space left on device"), 1, "nextword: [Errno 28] No space left on device\n"),
        (KeyboardInterrupt(), 130, "nextword: interrupted\n"),
    ],
)
def test_errors_are_one_line_and_a_status(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, line: str
) -> None:
    def fail(_arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr(nextword.cli.generate, "run", fail)
    assert cli("generate") == (status, "", line)


def test_an_error_of_our_own_shows_where_it_is(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_arguments: list[str]) -> int:
        raise KeyError("bug")

    monkeypatch.setattr(nextword.cli.generate, "run", fail)
    with pytest.raises(KeyError):
        cli("generate")


def test_debug_shows_the_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTWORD_DEBUG", "1")
    with pytest.raises(ValueError, match="not a size to train"):
        cli("train", "--model", "gpt3")


def test_a_reader_that_goes_away_is_no_error(start: object) -> None:
    process: subprocess.Popen[str] = start("--help")  # type: ignore[operator]
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
