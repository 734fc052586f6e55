"""`nextword eval`: figures, ranges, differences, parts, and what is said of mistakes."""

import json
import re
from pathlib import Path

import pytest
import torch

from nextword.evaluate.task import Measure, Published, Result, mean_of
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer
from nextword.weights import save_huggingface


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is worse everywhere."""
    torch.manual_seed(1)
    model = GPT(GPTConfig(n_ctx=32, n_embd=16, n_head=2, n_layer=2))
    with torch.no_grad():
        model.ln_f.weight.mul_(30)
    directory = tmp_path_factory.mktemp("other")
    save_huggingface(model, directory)
    return directory


def test_a_text_is_measured_and_models_are_compared(cli, model_directory, other, text_file, tmp_path):
    picture = tmp_path / "seen.png"
    status, out, _ = cli("eval", model_directory, other, "--data", text_file, "--plot", picture)
    assert status == 0
    n_tokens = len(Tokenizer().encode(text_file.read_text()))
    assert f"text, rolling: {-(-n_tokens // 32)} windows." in out
    assert re.search(rf"loss a token\n  {model_directory}  1\d\.\d{{4}}  \(1\d\.\d{{4}} to 1\d\.\d{{4}}\)\n", out)
    assert re.search(rf"  {other} +\S+  \(\S+ to \S+\)   \+\d+\.\d{{4}} \(\+\d+\.\d{{4}} to \+\d+\.\d{{4}}\)\n", out)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_model_beside_itself_may_differ_by_chance(cli, model_directory, text_file):
    _, out, _ = cli("eval", model_directory, model_directory, "--data", text_file)
    assert "+0.0000 (+0.0000 to +0.0000), may be chance" in out


def test_figures_for_a_program(cli, model_directory, text_file):
    _, out, err = cli("eval", model_directory, "--data", text_file, "--json")
    [said] = json.loads(out)
    assert said["model"] == str(model_directory)
    assert [measure["name"] for measure in said["measures"]] == ["loss a token", "perplexity", "bits a byte"]
    assert all(measure["low"] <= measure["value"] <= measure["high"] for measure in said["measures"])
    assert "windows" in err


def test_parts_are_put_together(cli, model_directory, tmp_path):
    file = tmp_path / "lambada.jsonl"
    file.write_text("".join(json.dumps({"text": f"{n} goats and {n + 1} trolls"}) + "\n" for n in range(7)))
    task = ("--task", "lambada", "--protocol", "last-token", "--file", file)
    _, whole, _ = cli("eval", model_directory, *task)
    assert "published of gpt2: 45.99% (Radford et al. (2019), table 3)\n" in whole
    outs = [tmp_path / f"{n}.jsonl" for n in (1, 2)]
    for number, out in enumerate(outs, 1):
        status, said, _ = cli("eval", model_directory, *task, "--part", f"{number}/2", "--out", out)
        assert status == 0
        assert f"items are in {out}" in said
    _, together, _ = cli("eval", "--results", *outs)
    assert together in whole
    status, _, err = cli("eval", "--results", outs[0])
    assert status == 2
    assert "3 of 7 items have no outcome in 1.jsonl, the first is item 1: run the same command again" in err


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "Name one thing to measure on"),
        (("heads",), "Name one thing to measure on"),
        (("heads", "--data", "story", "--task", "lambada"), "Name one thing to measure on"),
        (("--data", "story"), "Name a model to measure"),
        (("heads", "--results", "a.jsonl"), "--results tells of a model that was measured"),
        (("heads", "--data", "story", "--part", "1/2"), "--part is kept in a file"),
        (("heads", "gpt2", "--data", "story", "--out", "a.jsonl"), "--out is a file of one model's outcomes"),
        (("heads", "--data", "story", "--stride", 0), "--stride must be at least 1, not 0"),
        (("heads", "--data", "story", "--stride", 500), "--stride must be from 1 to the model's n_ctx = 128, not 500"),
        (("heads", "--task", "lambda"), "--task lambda is none: choose lambada, "),
        (("heads", "--task", "lambada", "--protocol", "strict"), "--protocol strict is none of lambada"),
        (("heads", "--task", "lambada", "--plot", "a.png"), "--plot shows a text's loss: it goes with --data"),
        (("heads", "--task", "lambada", "--file", "missing"), "missing: cannot be read (No such file or directory)"),
    ],
)
def test_mistakes_are_told_in_one_line(cli, arguments, message):
    status, _, err = cli("eval", *arguments)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "value, low, high, said",
    [
        (0.4601, 0.40, 0.50, ": gpt2 has the same"),
        (0.42, 0.40, 0.50, ": gpt2 is 9% off, as other items might be"),
        (0.42, 0.41, 0.43, ": gpt2 is 9% off, more than chance"),
    ],
)
def test_a_figure_is_set_beside_what_was_published(value, low, high, said):
    from nextword.cli.eval_report import Measured, verdict

    measure = Measure("accuracy", mean_of("correct"), percent=True)
    one = Measured("gpt2", (measure,), [], is_gpt2=True)
    assert verdict(Published(0.4599, "the paper"), [one], [Result(measure, value, low, high)]) == said
