import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cli.conftest import Cli
from safetensors.torch import load_file

import nextword
from nextword.cli.main import run
from nextword.cli.train import Arguments, after_restart

PAIRS = ("--window", 32, "--batch-size", 2)
SMALL = ("--depth", 1, "--tokenizer", "bytes", *PAIRS)
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no loss curves, which are tested elsewhere."""
    monkeypatch.setattr("nextword.train.trainer.plot_loss", lambda *arguments: None)


def wait_for_step(out: Path, step: int) -> None:
    """Until a run has logged this step."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (out / "log.jsonl").exists() and len((out / "log.jsonl").read_text().splitlines()) > step:
            return
        time.sleep(0.02)
    pytest.fail(f"step {step} did not come")


def test_from_a_text_to_a_model_that_writes(cli: Cli, text_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    status, text, err = cli("train", "--data", text_file, "--out", out, "--model", "nano", *PAIRS, "--steps", 6)
    assert (status, err) == (0, "")
    assert "Training 7,259,008 parameters on counting" in text
    assert f"Done: {out} holds the weights" in text
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == 6
    assert log[-1]["train_loss"] < log[1]["train_loss"]
    model, tokenizer = nextword.load(out)
    assert nextword.generate(model, tokenizer, "1 and", max_new_tokens=3, seed=0).startswith("1 and")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[object, ...]], Path]:
    """A run that nothing stopped, made once."""
    out = tmp_path_factory.mktemp("unbroken") / "run"

    def run_to_its_end(flags: tuple[object, ...]) -> Path:
        if not out.exists():
            assert run(["train", *map(str, flags), "--out", str(out)]) == 0
        return out

    return run_to_its_end


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_saves_and_resuming_ends_where_an_unbroken_run_does(
    cli: Cli,
    start: Start,
    text_file: Path,
    tmp_path: Path,
    unbroken: Callable[[tuple[object, ...]], Path],
    signal_number: signal.Signals,
) -> None:
    shape = ("--model", "nano", "--tokenizer", "bytes", *PAIRS)  # of more blocks than one, so that steps take time
    flags = ("--data", text_file, *shape, "--steps", 80, "--eval-every", 30)
    process = start("train", *flags, "--out", tmp_path / "broken")
    wait_for_step(tmp_path / "broken", 1)
    process.send_signal(signal_number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + signal_number, err
    assert "Finishing this step, then saving." in out
    assert f"To go on: nextword train --resume --out {tmp_path / 'broken'}" in out

    assert cli("train", "--resume", "--out", tmp_path / "broken")[0] == 0
    whole_run = unbroken(flags)
    broken, whole = (load_file(path / "model.safetensors") for path in (tmp_path / "broken", whole_run))
    assert all(torch.equal(broken[name], whole[name]) for name in whole)
    losses = [
        [(line["step"], line["train_loss"], line["val_loss"]) for line in map(json.loads, file.open())]
        for file in (tmp_path / "broken/log.jsonl", whole_run / "log.jsonl")
    ]
    assert losses[0] == losses[1]
    assert (tmp_path / "broken/samples.md").read_text() == (whole_run / "samples.md").read_text()


def test_a_full_disk_under_the_output_ends_nothing(text_file: Path, tmp_path: Path) -> None:
    arguments = ["train", "--data", text_file, "--out", tmp_path / "run", *SMALL, "--steps", 2]
    code = "from nextword.cli.main import main; main()"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "No space left on device), and training goes on without that" in done.stderr
    assert (tmp_path / "run" / "checkpoints" / "step-00000002").is_dir()


def test_a_second_signal_ends_at_once(start: Start, text_file: Path, tmp_path: Path) -> None:
    process = start("train", "--data", text_file, "--model", "nano", "--tokenizer", "bytes", "--window", 256,
                    "--batch-size", 128, "--steps", 50, "--out", tmp_path / "run")  # fmt: skip
    wait_for_step(tmp_path / "run", 0)  # the first step, of 32,768 tokens, takes a while
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped at once." in err
    assert not (tmp_path / "run/checkpoints").exists()


def test_resuming_differently_is_refused(cli: Cli, text_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    cli("train", "--data", text_file, "--out", out, *SMALL, "--steps", 2)
    status, _, err = cli("train", "--resume", "--out", out, "--lr", 0.1)
    assert status == 2
    assert "cannot be resumed differently from how it was begun: --lr was left out and is 0.1." in err
    text_file.write_text(text_file.read_text() + " More.")
    status, _, err = cli("train", "--resume", "--out", out)
    assert status == 2
    assert "the text of counting has changed" in err


def test_a_finished_run_is_prolonged(cli: Cli, text_file: Path, tmp_path: Path) -> None:
    """Begun by epochs, it may be given steps, and from then on it has so many."""
    flags = ("train", "--data", text_file, "--out", tmp_path / "run", *SMALL)
    assert cli(*flags, "--epochs", 0.08)[0] == 0
    status, out, _ = cli("train", "--resume", "--out", tmp_path / "run", "--steps", 5)
    assert status == 0
    assert "Prolonged from 3 to 5 steps: the learning rate stays at " in " ".join(out.split())
    assert cli("train", "--resume", "--out", tmp_path / "run")[0] == 0
    assert json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])["step"] == 5


def test_the_home_directory_is_known_by_its_sign(cli: Cli, text_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which no shell replaces in --out=~/run."""
    home = text_file.parent
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    assert cli("train", f"--data=~/{text_file.name}", "--out=~/run", *SMALL, "--steps", 1)[0] == 0
    assert cli("export", "~/run", "--out=~/exported")[0] == 0
    assert cli("trace", "1 and", "--model=~/run", "--out=~/seen.html")[0] == 0
    assert cli("generate", "1 and", "--model=~/exported", "--max-new-tokens", 1)[0] == 0
    assert cli("learn", "init", "~/course")[0] == 0
    assert cli("learn", "list", "--dir=~/course")[0] == 0
    assert {"run", "exported", "seen.html", "course"} <= {path.name for path in home.iterdir()}
    assert not (home / "~").exists()


def test_an_existing_run_is_not_overwritten_unasked(cli: Cli, text_file: Path, tmp_path: Path) -> None:
    flags = ("train", "--data", text_file, "--out", tmp_path / "run", *SMALL, "--steps", 2)
    assert cli(*flags)[0] == 0
    status, _, err = cli(*flags)
    assert status == 2
    assert "already holds a run: continue it with --resume (from step 2), replace it with --overwrite, or" in err
    assert cli(*flags, "--overwrite")[0] == 0


def test_records_whose_text_is_not_clear_are_shown_with_a_command_to_paste(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps({"title": f"The tale {n}", "body": f"It is the body of tale {n}."}) for n in range(9)]
    Path("tales.jsonl").write_text("\n".join(lines))
    status, _, err = cli("train", "--data", "tales.jsonl")
    assert status == 2
    assert "It has title ('The tale 0'), body ('It is the body of tale 0.'). Choose one with --field, such as: " in err
    assert err.endswith(
        "nextword train --data tales.jsonl --field body "
        "(Or add --as-text, to learn from it as it stands, with all its marks.)\n"
    )
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--data", "no-such.txt"), "no-such.txt"),
        (
            ("--steps", 3, "--epochs", 1),
            "The length is given more than once: use one of --epochs, --steps and --tokens",
        ),
        (("--model", "gpt3"), "--model gpt3 is not a size to train: choose nano, gpt2"),
        (("--window", 100_000), "--window 100000 is more than the model can read: use 647 or less"),
        (("--resume", "--overwrite"), "--resume goes on with a run and --overwrite deletes it"),
        (("--resume", "--out", "nowhere"), "nowhere holds no run to resume: leave out --resume to begin one"),
        (("--dtype", "float8"), "--dtype float8 is not known: use auto, float32, bfloat16 or float16"),
        (("--init", "gpt2", "--model", "nano"), "--init brings its own size: leave out --model"),
    ],
)
def test_mistakes_are_told_in_one_line(
    cli: Cli,
    text_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ("train", *([] if "--data" in flags else ["--data", text_file]), *flags)
    status, _, err = cli(*given)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()  # nothing was begun


def test_a_job_that_a_cluster_begins_again_goes_on(tmp_path, monkeypatch):
    """By the same --rdzv-id, though torchrun itself is a new one; what is asked for comes first."""
    path = tmp_path / "run"
    path.mkdir()
    described = {"config": {}, "data": {}, "versions": {}, "job": "gpt2"}
    (path / "run.json").write_text(json.dumps(described))
    for name, expected in (("gpt2", (False, True)), ("other", (False, False)), (None, (False, False))):
        if name is None:
            monkeypatch.delenv("TORCHELASTIC_RUN_ID")
        else:
            monkeypatch.setenv("TORCHELASTIC_RUN_ID", name)
        assert after_restart(Arguments(out=str(path))) == expected, name  # it had saved nothing
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "gpt2")
    assert after_restart(Arguments(out=str(path), resume=True)) == (True, False)
    checkpoint = path / "checkpoints" / "step-00000003"
    checkpoint.mkdir(parents=True)
    (checkpoint / "manifest.json").write_text("{}")
    assert after_restart(Arguments(out=str(path))) == (True, False)
    assert after_restart(Arguments(out=str(path), overwrite=True)) == (False, True)
    (path / "run.json").write_text(json.dumps(described | {"job": "none"}))  # as torchrun calls a job without a name
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert after_restart(Arguments(out=str(path))) == (False, False)
