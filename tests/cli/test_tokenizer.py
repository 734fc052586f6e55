import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli.conftest import Cli
from rich.console import Console

from nextword.cli import tokenizer_show
from nextword.cli.tokenizer import COMMANDS
from nextword.tokenizer import GPT2, Tokenizer, save_tokenizer


@pytest.fixture
def trained(cli: Cli, tmp_path: Path) -> Path:
    flags = ("--data", "story", "--vocab-size", 600, "--special", "<|user|>", "--out", tmp_path / "t")
    status, out, err = cli("tokenizer", "train", *flags)
    assert status == 0, err
    assert "600 ids" in out
    assert "342 merges, <|endoftext|>, <|user|>" in out
    assert "bytes; of GPT-2's vocabulary" in out
    return tmp_path / "t"


def test_training_writes_what_gpt2s_directory_has(trained: Path) -> None:
    names = ["merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"]
    assert sorted(file.name for file in trained.iterdir()) == names
    ids = json.loads((trained / "vocab.json").read_text(encoding="utf-8"))
    assert (ids["<|endoftext|>"], ids["<|user|>"]) == (598, 599)


def test_nothing_is_overwritten_unless_told_so(cli: Cli, trained: Path) -> None:
    before = (trained / "merges.txt").read_bytes()
    again = ("tokenizer", "train", "--data", "story", "--vocab-size", 300, "--out", trained)
    status, _, err = cli(*again)
    assert status == 2
    assert "is there already. Choose a new directory, or add --overwrite." in err
    assert (trained / "merges.txt").read_bytes() == before
    assert cli(*again, "--overwrite")[0] == 0
    assert (trained / "merges.txt").read_bytes() != before


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            ["--data", "story", "--vocab-size", 100],
            "--vocab-size must be at least 257, not 100: the 256 bytes and <|e",
        ),
        (
            ["--data", "story", "--vocab-size", 99999],
            "only 1,978 merges, and a vocabulary of 99,999 ids needs 99,742.",
        ),
        (["--data", "story", "--vocab-size", 99999], "Give more text, or ask for at most 2,235 ids."),
        (["--data", "story:0.5", "--data", "story:2", "--vocab-size", 300], "weights mean nothing here"),
        (["--data", "nowhere.txt", "--vocab-size", 300], "nowhere.txt: no such file"),
        (["--data", "story", "--vocab-size", 300, "--processes", 0], "--processes must be at least 1"),
        (["--data", "story", "--vocab-size", 300, "--special", "e"], "--special 'e' is a token like others"),
    ],
)
def test_errors_name_what_to_do(cli: Cli, tmp_path: Path, flags: list[object], words: str) -> None:
    status, _, err = cli("tokenizer", "train", *flags, "--out", tmp_path / "new")
    assert status == 2
    assert words in err
    assert not (tmp_path / "new").exists()


def test_show_in_a_pipe_has_no_colour(cli: Cli) -> None:
    status, out, _ = cli("tokenizer", "show", "Hello,🙂\nyou<|endoftext|>")
    assert status == 0
    assert "\x1b" not in out
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == r"Hello|,|\xf0\x9f|\x99\x82|↵|you|<|endoftext|>"
    assert [line.split()[:2] for line in lines if line.endswith("48 65 6c 6c 6f")] == [["15496", "Hello"]]
    assert next(line.split() for line in lines if "50256" in line)[1] == "<|endoftext|>"
    assert lines[-1].startswith("7 tokens of 50,257, 27 bytes, 2 words: 3.86 bytes a token")


def test_show_reads_a_directory_and_standard_input(trained: Path) -> None:
    program = [sys.executable, "-c", "from nextword.cli.main import main; main()", "tokenizer", "show"]
    done = subprocess.run(
        [*program, "--tokenizer", trained], input="the the", capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout.startswith("t|he| the\n")


def test_show_colours_a_terminal_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert tokenizer_show.has_colour(Console(force_terminal=True, color_system="256"))
    assert not tokenizer_show.has_colour(Console(force_terminal=False))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not tokenizer_show.has_colour(Console(force_terminal=True, color_system="256"))
    shown = tokenizer_show.coloured([b"one", b" two"])
    assert shown.plain == "one two"
    assert len({span.style for span in shown.spans}) == 2


def test_no_control_character_reaches_the_terminal() -> None:
    assert tokenizer_show.readable(b"\x1b[2J\x00\xc2\x85") == r"\x1b[2J\x00\xc2\x85"


def test_what_tokens_lose_is_said(cli: Cli, tmp_path: Path) -> None:
    """Without capital letters, and with nothing for a character that it has never seen."""
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(vocab={"[UNK]": 0, "every": 1, "eff": 2, "##ort": 3}, unk_token="[UNK]")
    )
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    status, out, err = cli("tokenizer", "show", "Every effort", "--tokenizer", tmp_path)
    assert status == 0, err
    assert "3 tokens of 4, 12 bytes, 2 words" in out
    assert "lose some of the text: it comes back as every effort" in out


def test_compare_knows_no_weights(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some text")
    (tmp_path / "b.txt").write_text("more of it")
    weighted = [f"{tmp_path / 'a.txt'}:0.7", f"{tmp_path / 'b.txt'}:0.3"]
    status, _, err = cli("tokenizer", "compare", "gpt2", "bytes", "--data", *weighted)
    assert status == 2
    assert "weights mean nothing here" in err


def test_compare_has_a_row_for_each_script(cli: Cli, trained: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The piano went down the stairs. 中文 привет", encoding="utf-8")
    status, out, err = cli("tokenizer", "compare", "gpt2", trained, "--data", text)
    assert status == 0, err
    lines = [line.split() for line in out.partition("tokens a word")[0].splitlines() if line.strip()]
    rows = {name: rest for name, *rest in lines}
    assert {"Latin", "Han", "Cyrillic", "all"} <= set(rows)
    n_bytes = len(text.read_bytes())
    assert rows["all"][0] == f"{n_bytes / len(Tokenizer().encode(text.read_text(encoding='utf-8'))):.2f}"
    assert rows["ids"] == ["50,257", "600"]
    assert "Of Han: tokens a letter" in out


def test_a_wrong_command_is_told_the_right_one(cli: Cli) -> None:
    assert cli("tokenizer", "trian") == (2, "", "nextword: tokenizer has no command 'trian'. Did you mean train?\n")
    status, out, _ = cli("tokenizer")
    assert status == 0
    assert all(name in out for name in COMMANDS)


def test_gpt2s_own_directory_shows_gpt2s_ids(cli: Cli, tmp_path: Path) -> None:
    save_tokenizer(tmp_path, vocabulary=GPT2)
    assert cli("tokenizer", "show", "a b", "--tokenizer", tmp_path) == cli("tokenizer", "show", "a b")
