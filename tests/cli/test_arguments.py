"""How flags and prompts are read."""

import io
import pickle
import sys

import pytest
from cli.conftest import Cli

from nextword.cli import generate, serve, train
from nextword.cli.arguments import error_in_flags, in_flags, parse, read_prompt
from nextword.errors import DataError, SettingError


@pytest.mark.parametrize(
    ("given", "data"),
    [
        (["--data", "a"], ("a",)),
        (["--data", "a", "b"], ("a", "b")),
        (["--data", "a", "--data", "b"], ("a", "b")),
        (["--data=a", "--seed", "3", "--data", "b", "c", "--model", "nano", "--data", "-"], ("a", "b", "c", "-")),
        ([], ("story",)),
    ],
)
def test_data_adds_up(given: list[str], data: tuple[str, ...]) -> None:
    args = parse(train.Arguments, "train", given)
    assert args.data == data
    assert args.model == ("nano" if "nano" in given else None)


def test_what_is_given_when_a_run_is_resumed_replaces_what_was_recorded() -> None:
    recorded = train.Arguments(data=("old", "older"))
    assert parse(train.Arguments, "train", ["--data", "a", "--data", "b"], default=recorded).data == ("a", "b")
    assert parse(train.Arguments, "train", [], default=recorded).data == ("old", "older")


def test_other_flags_that_take_several_values_add_up_too() -> None:
    given = ["Hello", "--stop", "a", "--stop", "--- b", "--seed", "1"]
    assert parse(generate.Arguments, "generate", given).stop == ("a", "--- b")
    origins = ["--cors-origin", "http://a", "--cors-origin", "http://b"]
    assert parse(serve.Arguments, "serve", origins).cors_origin == ("http://a", "http://b")


def test_data_without_a_value_is_told(cli: Cli) -> None:
    status, _, err = cli("train", "--data", "--model", "nano")
    assert status == 2
    assert err.startswith("nextword: no text named. Expected story, ")


@pytest.mark.parametrize("verb", ["generate", "serve", "trace", "bench"])
def test_a_wrong_engine_is_told_the_engines_and_nothing_else(cli: Cli, verb: str) -> None:
    for wrong in ("abacus", "None"):
        status, _, err = cli(verb, "--engine", wrong)
        assert status == 2
        assert f"invalid choice '{wrong}' for argument '--engine'" in err
        assert "('native', 'torch', 'plain')" in " ".join(err.replace("│", " ").split())


def test_a_choice_of_words_is_taken_as_it_is_or_left_open() -> None:
    assert parse(generate.Arguments, "generate", []).quantize is None
    given = parse(generate.Arguments, "generate", ["--quantize", "int4"], default=generate.Arguments(engine="torch"))
    assert (given.quantize, given.engine, given.dtype) == ("int4", "torch", None)


def piped(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> str:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="ascii"))
    return read_prompt("generate", None)


def test_a_prompt_is_read_as_a_training_text_is(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = "Grüße,\nzwei Zeilen\n".encode()
    for same in (raw, raw.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n")):
        assert piped(monkeypatch, same) == "Grüße,\nzwei Zeilen"
        assert read_prompt("generate", same.decode()) == "Grüße,\nzwei Zeilen\n"  # "$(cat prompt.txt)"


def test_a_prompt_in_another_encoding_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"the prompt: not UTF-8: byte 0xfc .* iconv -f ITS-ENCODING -t UTF-8"):
        piped(monkeypatch, "Grüße".encode("latin-1"))
    with pytest.raises(DataError, match=r"It looks like text in UTF-16-LE\. Convert it: iconv -f utf-16-le -t UTF-8"):
        piped(monkeypatch, "Every effort moves you.\n".encode("utf-16-le"))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a lower `lr`, a longer `warmup`, `dtype='float32'`", "a lower --lr, a longer --warmup, --dtype float32"),
        ("go on by `resume=True`", "go on by --resume"),
        ("Use `batch_size=2`.", "Use --batch-size 2."),
        ("use `init='my runs/a'` and another `out`.", 'use --init "my runs/a" and another --out.'),
        ("train on that file: `data=('a.txt',)`", "train on that file: --data a.txt"),
        ("`attention` failed: `x=1` and `bad token`", "`attention` failed: `x=1` and `bad token`"),
        ("nothing to change: lr", "nothing to change: lr"),
    ],
)
def test_a_setting_in_a_message_is_shown_as_its_flag(said: str, shown: str) -> None:
    assert in_flags(said) == shown


def test_a_setting_that_is_refused_is_shown_as_its_flag() -> None:
    refused = pickle.loads(pickle.dumps(SettingError("batch_size", "must be above 0.")))
    assert str(refused) == "batch_size must be above 0."
    assert error_in_flags(refused) == "--batch-size must be above 0."
    assert error_in_flags(DataError("two\nlines, `window=8`")) == "two lines, --window 8"


def test_a_setting_that_is_refused_names_its_flag_in_the_terminal_and_itself_in_python(cli: Cli) -> None:
    assert cli("train", "--lr", "0") == (2, "", "nextword: --lr must be above 0, not 0.0.\n")
    assert cli("train", "--schedule", "sine")[2] == (
        "nextword: --schedule sine is no curve: choose cosine, linear, constant, wsd.\n"
    )
    with pytest.raises(SettingError, match=r"^lr must be above 0, not 0\.0\.$"):
        train.TrainConfig(lr=0.0)
