import io
from pathlib import Path

import pytest
from cli.conftest import Cli

import nextword
from nextword.decode import generate_batch
from nextword.native import library

needs_compiler = pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")


def test_it_writes_the_prompt_and_what_python_writes(cli: Cli, model_directory: Path) -> None:
    status, out, err = cli("generate", "One day", "--model", model_directory, "--max-new-tokens", 12, "--seed", 3)
    model, tokenizer = nextword.load(model_directory)
    assert (status, err) == (0, "")
    assert out == nextword.generate(model, tokenizer, "One day", max_new_tokens=12, seed=3) + "\n"


@pytest.mark.parametrize("engine", ["plain", "torch", pytest.param("native", marks=needs_compiler)])
def test_every_engine_writes_that(cli: Cli, model_directory: Path, engine: str) -> None:
    flags = ("One day 🙂", "--model", model_directory, "--max-new-tokens", 12, "--seed", 3, "--min-p", 0.01)
    assert cli("generate", *flags, "--engine", engine) == cli("generate", *flags)


def test_samples_are_the_texts_of_one_seed(cli: Cli, model_directory: Path) -> None:
    common = ("generate", "One day", "--model", model_directory, "--max-new-tokens", 8)
    _, two, _ = cli(*common, "--seed", 3, "--num-samples", 2)
    model, tokenizer = nextword.load(model_directory)
    first, second = generate_batch(model, tokenizer, ["One day"] * 2, max_new_tokens=8, seed=3)
    assert first != second
    assert two == f"--- sample 1 of 2 ---\n{first}\n\n--- sample 2 of 2 ---\n{second}\n"
    assert cli(*common, "--seed", 3)[1] == first + "\n"


def test_min_p_leaves_the_likeliest_alone(cli: Cli, model_directory: Path) -> None:
    common = ("generate", "One day", "--model", model_directory, "--max-new-tokens", 12, "--temperature", 2)
    _, one, _ = cli(*common, "--seed", 3, "--min-p", 1)
    _, greedy, _ = cli(*common, "--temperature", 0)
    assert one == greedy != cli(*common, "--seed", 3)[1]
    model, tokenizer = nextword.load(model_directory)
    some = nextword.generate(model, tokenizer, "One day", max_new_tokens=12, temperature=2.0, seed=3, min_p=0.7)
    assert cli(*common, "--seed", 3, "--min-p", 0.7)[1] == some + "\n"


def test_a_repetition_penalty_writes_something_else(cli: Cli, model_directory: Path) -> None:
    greedy = ("generate", "One day", "--model", model_directory, "--max-new-tokens", 40, "--temperature", 0)
    _, penalised, _ = cli(*greedy, "--repetition-penalty", 1.5)
    model, tokenizer = nextword.load(model_directory)
    settings = {"max_new_tokens": 40, "temperature": 0, "repetition_penalty": 1.5}
    assert penalised == nextword.generate(model, tokenizer, "One day", **settings) + "\n"
    assert penalised != cli(*greedy)[1]


def test_without_a_seed_every_text_is_another(cli: Cli, model_directory: Path) -> None:
    assert len({cli("generate", "One day", "--model", model_directory)[1] for _ in range(3)}) > 1


def test_the_prompt_may_come_from_standard_input(
    cli: Cli, model_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Two lines\nof prompt\n"))
    _, out, _ = cli("generate", "--model", model_directory, "--max-new-tokens", 0)
    assert out == "Two lines\nof prompt\n"


def test_greedy_ends_before_a_stop_text(cli: Cli, model_directory: Path) -> None:
    greedy = ("generate", "One day", "--model", model_directory, "--temperature", 0, "--max-new-tokens", 20)
    _, whole, _ = cli(*greedy)
    stop = whole.removeprefix("One day")[5:9]
    _, cut, _ = cli(*greedy, "--stop", stop)
    assert cut == whole[: whole.index(stop, 7)] + "\n"


def test_a_sliding_window_is_told_on_standard_error(cli: Cli, model_directory: Path) -> None:
    status, _, err = cli("generate", "One day", "--model", model_directory, "--max-new-tokens", 40, "--seed", 1)
    assert status == 0
    assert err == "[The text has outgrown n_ctx = 32 tokens: from here on the model sees the last 16 to 32.]\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--temperature", "-1"),
            "--temperature must be 0 (always the likeliest token) or a positive number, not -1.0",
        ),
        (("--temperature", "nan"), "not nan"),
        (("--top-k", "0"), "--top-k must be at least 1, not 0"),
        (("--top-p", "0"), "--top-p must be above 0 and at most 1"),
        (("--min-p", "1.1"), "--min-p must be from 0 to 1, not 1.1"),
        (("--repetition-penalty", "0"), "--repetition-penalty must be a positive number, not 0.0"),
        (("--num-samples", "0"), "--num-samples must be at least 1"),
        (("--model", "no/such/place"), "no/such/place"),
        (("--device", "abacus"), "The device abacus cannot be used here"),
    ],
)
def test_mistakes_are_told_in_one_line(cli: Cli, model_directory: Path, flags: tuple[str, ...], message: str) -> None:
    status, out, err = cli("generate", "One day", "--model", model_directory, *flags)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_no_prompt_at_all(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    status, _, err = cli("generate")
    assert status == 2
    assert 'There is no prompt: nextword generate "Every effort moves you"' in err


def test_prompts_from_a_file_are_answered_into_another(cli, model_directory, tmp_path):
    pytest.importorskip("fastapi", reason="fastapi is not installed: pip install fastapi")
    file, out = tmp_path / "prompts.jsonl", tmp_path / "answers.jsonl"
    file.write_text('{"prompt": "A goat"}\n{"prompt": "A troll"}\n')
    flags = ("--model", model_directory, "--prompts", file, "--out", out, "--max-new-tokens", 3, "--seed", 1)
    status, said, _ = cli("generate", *flags)
    assert (status, said) == (0, f"2 answers are in {out}.\n")
    first = out.read_bytes()
    assert cli("generate", *flags)[0] == 0
    assert out.read_bytes() == first
    out.unlink()
    file.write_text('{"prompt": "A goat"}\n{"custom_id": "a", "url": "/v1/completions", "body": {"max_tokens": -1}}\n')
    status, said, _ = cli("generate", *flags)
    assert (status, said) == (1, f"2 answers are in {out}, 1 of them refusals.\n")


@pytest.mark.parametrize(
    "flags, message",
    [
        (("--out", "a"), "--out goes with --prompts FILE"),
        (("--prompts", "a", "Hello"), "--prompts is a file of prompts"),
        (("--prompts", "a"), "--prompts needs --out FILE"),
        (("--prompts", "missing", "--out", "b"), "missing"),
        (("--prompts", "a", "--out", "b", "--rows", 0), "--rows must be at least 1, not 0"),
        (("--prompts", "a", "--out", "b", "--temperature", 3), "--temperature with --prompts is at most 2.0, not 3.0"),
    ],
)
def test_what_a_file_of_prompts_needs_is_told(cli, flags, message):
    status, _, err = cli("generate", *flags)
    assert status in (1, 2)
    assert message in err
    assert err.count("\n") == 1
