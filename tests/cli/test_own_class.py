"""`--model my_gpt2:GPT`: a class of one's own, trained and written with from the command line."""

from pathlib import Path

import pytest
from cli.conftest import Cli
from user_model.conftest import folder  # noqa: F401  (a fixture)
from user_model.own import source

import nextword
from nextword.native import library


@pytest.fixture
def own(folder: Path) -> Path:  # noqa: F811
    (folder / "my_gpt2.py").write_text(source())
    return folder


def test_it_writes_what_our_model_writes_with_the_same_weights(cli: Cli, own: Path, model_directory: Path) -> None:
    greedy = ("--temperature", 0, "--max-new-tokens", 40)  # past the end of n_ctx = 32
    _, ours, _ = cli("generate", "One day", "--model", model_directory, *greedy)
    status, text, err = cli("generate", "One day", "--model", "my_gpt2:GPT", "--weights", model_directory, *greedy)
    assert (status, text) == (0, ours)
    assert "outgrown" in err


def test_it_is_trained_resumed_and_read_again(cli: Cli, own: Path, text_file: Path) -> None:
    out = own / "run"
    flags = ("--model", "my_gpt2.py:GPT", "--tokenizer", "bytes", "--window", 32, "--batch-size", 2, "--steps", 3)
    status, text, err = cli("train", "--data", text_file, "--out", out, *flags)
    assert (status, err) == (0, "")
    assert "Training 859,008 parameters on counting" in text
    assert "float32 on cpu" in text
    assert cli("train", "--resume", "--out", out)[0] == 0
    status, text, _ = cli("generate", "1 and", "--model", "my_gpt2.py:GPT", "--weights", out, "--max-new-tokens", 2)
    assert status == 0
    assert text.startswith("1 and")
    assert nextword.load(out)[0].config.n_embd == 128


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("generate", "A", "--model", "my_gpt2:GPT"), "has no weights: add --weights gpt2"),
        (("generate", "A", "--model", "gpt2", "--weights", "runs/a"), "use --model runs/a"),
        (("generate", "A", "--model", "my_gpt2:GTP", "--weights", "MODEL"), "my_gpt2.py has no GTP. Did you mean GPT?"),
        (("generate", "A", "--model", "my_gpt2:GPT", "--weights", "nowhere"), "nowhere is neither a path"),
        (("generate", "A", "--model", "my_gpt2:GPT", "--quantize", "int8"), "--quantize is for nextword's own model"),
        (("serve", "--model", "my_gpt2:GPT", "--quantize", "int8", "--port", "0"), "--quantize is for nextword's own"),
        (("generate", "A", "--model", "my_gpt2:GPT", "--engine", "plain"), "--engine is for nextword's own model"),
        (("trace", "A", "--model", "my_gpt2:GPT", "--engine", "torch"), "--engine is for nextword's own model"),
        (("trace", "A", "--engine", "native"), "--engine native computes in C, where there is nothing to look into"),
        (("trace", "A", "--model", "my_gpt2:GPT"), "has no weights: add --weights gpt2"),
        (("trace", "A", "--model", "gpt2", "--weights", "runs/a"), "use --model runs/a"),
        (("generate", "A", "--model", "my_gpt2:GPT", "--weights", "MODEL", "--dtype", "float32"), ""),
        (("train", "--model", "my_gtp2:GPT"), "There is no my_gtp2.py in"),
        (("train", "--model", "my_gpt"), "or give a class of your own, my_gpt2:GPT"),
        (("train", "--size", "nano"), "--size is the size of a class of your own"),
    ],
)
def test_mistakes_are_told_in_one_line(
    cli: Cli, own: Path, model_directory: Path, arguments: tuple[str, ...], message: str
) -> None:
    status, out, err = cli(*[str(model_directory) if a == "MODEL" else a for a in arguments])
    if not message:
        assert status == 0
        return
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_the_engine_is_not_needed(cli: Cli, own: Path, model_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library()
    monkeypatch.setattr("nextword.decode.sampler.library", lambda: None)
    flags = ("--weights", model_directory, "--max-new-tokens", 2, "--dtype", "bfloat16")
    assert cli("generate", "One day", "--model", "my_gpt2:GPT", *flags)[0] == 0
