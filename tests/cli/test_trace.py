from pathlib import Path

import pytest
import torch
from cli.conftest import Cli

from nextword.loading import load


def test_it_shows_surprise_layers_and_heads(cli: Cli, model_directory: Path) -> None:
    status, out, _ = cli("trace", "Every effort moves you", "--model", model_directory)
    assert status == 0
    for heading in ("How surprising each token was", "What each layer would say after", "Where layer "):
        assert heading in out
    for token in ("Every", "effort", "moves", "you"):
        assert token in out


def test_the_plain_engine_shows_the_same(cli: Cli, model_directory: Path) -> None:
    flags = ("trace", "Every effort moves you", "--model", model_directory)
    assert cli(*flags, "--engine", "plain") == cli(*flags, "--engine", "torch") == cli(*flags)


def test_the_last_layer_says_what_the_model_says(cli: Cli, model_directory: Path) -> None:
    model, tokenizer = load(model_directory)
    with torch.no_grad():
        likeliest = int(model(torch.tensor([tokenizer.encode("Every effort")]))[0, -1].argmax())
    _, out, _ = cli("trace", "Every effort", "--model", model_directory)
    last_layer = next(line for line in out.splitlines() if line.startswith("h.1 "))
    assert tokenizer.decode([likeliest]).strip()[:8] in last_layer


@pytest.mark.parametrize(("name", "beginning"), [("view.png", b"\x89PNG"), ("view.html", b"<!doctype html>")])
def test_it_writes_a_picture_or_a_page(
    cli: Cli, model_directory: Path, tmp_path: Path, name: str, beginning: bytes
) -> None:
    file = tmp_path / name
    status, _, _ = cli("trace", "Every effort", "--model", model_directory, "--layer", 1, "--head", 0, "--out", file)
    assert status == 0
    assert file.read_bytes().lower().startswith(beginning.lower())


def test_a_head_that_is_not_there_is_told(cli: Cli, model_directory: Path) -> None:
    status, _, err = cli("trace", "Every", "--model", model_directory, "--head", 7)
    assert status == 2
    assert "7" in err


def test_another_kind_of_file_is_told(cli: Cli, model_directory: Path, tmp_path: Path) -> None:
    status, _, err = cli("trace", "Every", "--model", model_directory, "--out", tmp_path / "view.gif")
    assert status == 2
    assert ".png" in err


def test_a_page_shows_a_prompt_and_does_not_run_it(cli: Cli, model_directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "view.html"
    cli("trace", "<script>alert(1)</script> & \"'", "--model", model_directory, "--out", file)
    text = file.read_text()
    assert "<script" not in text
    assert "http" not in text  # nothing is loaded from elsewhere
    assert "&lt;" in text


def test_prompts_that_cannot_be_looked_at(cli: Cli, model_directory: Path) -> None:
    status, _, err = cli("trace", "", "--model", model_directory)
    assert (status, "The prompt is empty" in err) == (2, True)
    status, _, err = cli("trace", "one " * 40, "--model", model_directory)
    assert status == 2
    assert "tokens, and" in err
    assert "sees 32 at most: shorten it." in err


def test_no_text_of_a_prompt_is_taken_for_markup(cli: Cli, model_directory: Path) -> None:
    status, out, _ = cli("trace", "[bold]one[/bold] [/]", "--model", model_directory)
    assert status == 0
    assert "[bold]one[/bold] [/]" in out


def test_of_a_long_prompt_it_shows_what_is_around_the_place_that_is_asked_about(
    cli: Cli, model_directory: Path
) -> None:
    prompt = "one" + " one two" * 15  # 31 tokens
    _, out, _ = cli("trace", prompt, "--model", model_directory)
    assert "The 24 most surprising" in out
    assert "looks, tokens 7 to 30 of 31" in out
    last = out.splitlines()[-1]
    assert last.startswith("30  ␣two")
    assert "␣one(" in last or "␣two(" in last or "itself" in last  # which of many the same is told
    _, out, _ = cli("trace", prompt, "--model", model_directory, "--position", 2)
    assert "looks, tokens 0 to 23 of 31" in out


def test_one_token_is_not_said_to_have_a_perplexity(cli: Cli, model_directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "view.html"
    _, out, _ = cli("trace", "one", "--model", model_directory, "--out", file)
    assert "one token, and nothing came before it" in out
    assert "nan" not in out + file.read_text()
