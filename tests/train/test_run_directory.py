import contextlib
import json
import math
import os
import threading

import pytest
import torch
from train.runs import python

from nextword.errors import RunError
from nextword.model import GPT, GPTConfig
from nextword.train.run_directory import RunDirectory, check_free, check_idle, description
from nextword.weights import load_model, save_huggingface

DESCRIPTION = {"config": {}, "data": {}, "versions": {}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "a"


@pytest.fixture
def run(path):
    run = RunDirectory.create(path, DESCRIPTION)
    yield run
    run.release()


def names(path):
    return sorted(file.name for file in path.iterdir() if file.name != ".lock")


def test_a_new_run_describes_itself(run, path):
    assert description(path) == DESCRIPTION
    assert names(path) == ["run.json"]


def test_a_run_may_begin_in_an_empty_directory(path):
    path.mkdir(parents=True)
    check_free(path)


def test_a_run_is_not_begun_over_another(run, path):
    with pytest.raises(
        RunError, match=r"a already holds a run: replace it with `overwrite=True`, or choose another `out`"
    ):
        check_free(path)
    (path / "checkpoints" / "step-00000120").mkdir(parents=True)
    (path / "checkpoints" / "step-00000120" / "manifest.json").write_text("{}")
    with pytest.raises(RunError, match=r"continue it with `resume=True` \(from step 120\)"):
        check_free(path)
    check_free(path, overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_peoples_files_are_never_touched(path, overwrite):
    path.mkdir(parents=True)
    (path / "config.json").write_text("mine")
    with pytest.raises(RunError, match="has files in it that are not a run's: choose another `out`"):
        RunDirectory.create(path, DESCRIPTION, overwrite)
    assert names(path) == ["config.json"]
    assert (path / "config.json").read_text() == "mine"
    assert not (path / ".lock").exists()


def test_a_file_is_no_place_for_a_run(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(RunError, match=r"notes\.txt is a file, and a run needs a directory"):
        check_free(file, overwrite=True)
    with pytest.raises(RunError, match=r"notes\.txt holds no run to resume"):
        RunDirectory.reopen(file)


def test_overwriting_deletes_what_a_run_leaves_and_nothing_else(run, path, tmp_path):
    run.release()
    for name in ("model.safetensors", "log.jsonl", "samples.md", "loss.png", "diary.md", "model.gguf"):
        (path / name).write_text(name)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (path / "checkpoints").symlink_to(elsewhere)
    (path / "best").mkdir()
    (path / "best" / "model.safetensors").touch()
    (path / "plots").mkdir()
    again = RunDirectory.create(path, DESCRIPTION | {"versions": {"nextword": "2"}}, overwrite=True)
    assert names(path) == [".replaced", "diary.md", "model.gguf", "plots", "run.json"]
    assert (path / ".replaced" / "samples.md").read_text() == "samples.md"
    (path / "checkpoints" / "step-00000001").mkdir(parents=True)
    (path / "checkpoints" / "step-00000001" / "manifest.json").touch()
    assert not again.settle()  # now that the new run has something
    again.release()
    assert names(path) == ["checkpoints", "diary.md", "model.gguf", "plots", "run.json"]
    assert description(path)["versions"] == {"nextword": "2"}
    assert (elsewhere / "kept").exists()


def content(path):
    """All files of a run and what is in them, without its lock."""
    files = (file for file in path.rglob("*") if file.is_file() and file.name != ".lock")
    return {str(file.relative_to(path)): file.read_text() for file in files}


@pytest.fixture
def older(run, path):
    """What a run left that is going to be replaced."""
    run.release()
    for name in ("log.jsonl", "samples.md", "best/model.safetensors", "checkpoints/step-00000009/manifest.json"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(f"older {name}")
    return content(path)


def test_what_cannot_be_described_replaces_nothing(path, older):
    with pytest.raises(TypeError, match="Path"):
        RunDirectory.create(path, DESCRIPTION | {"config": {"out": path}}, overwrite=True)
    assert content(path) == older


def allow_renamings(patch, n):
    """Interrupt the one after so many, and all that come then."""
    left = [n]

    def counted(move):
        def moved(*names):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            move(*names)

        return moved

    patch.setattr("os.rename", counted(os.rename))
    patch.setattr("os.replace", counted(os.replace))


@pytest.mark.parametrize("when", range(8))
def test_an_error_or_a_kill_while_a_run_is_replaced_loses_nothing(path, older, when, monkeypatch):
    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        allow_renamings(patch, when)
        RunDirectory.create(path, DESCRIPTION | {"data": {"name": "new"}}, overwrite=True).release()
        (path / "log.jsonl").write_text("new")
    check_idle(path)
    assert content(path) == older


@pytest.mark.parametrize("when", range(7))
def test_a_kill_while_a_run_is_put_back_loses_nothing(path, older, when, monkeypatch):
    RunDirectory.create(path, DESCRIPTION, overwrite=True).release()
    (path / "log.jsonl").write_text("new")
    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        allow_renamings(patch, when)
        check_idle(path)
    check_idle(path)
    assert content(path) == older
    assert not check_idle(path)


def test_only_one_trainer_at_a_time(run, path):
    for begin in (lambda: RunDirectory.reopen(path), lambda: RunDirectory.create(path, DESCRIPTION, overwrite=True)):
        with pytest.raises(RunError, match=r"Another trainer is at work in .*: wait until it has finished"):
            begin()
    assert names(path) == ["run.json"]
    run.release()
    RunDirectory.reopen(path).release()


def test_another_process_is_kept_out_until_this_one_ends(path):
    code = """
        import time
        from pathlib import Path
        from nextword.train.run_directory import RunDirectory
        run = RunDirectory.create(Path(sys.argv[1]), {"config": {}, "data": {}, "versions": {}})
        print("held", flush=True)
        time.sleep(60)
    """
    process = python(code, str(path))
    assert process.stdout.readline() == "held\n"
    with pytest.raises(RunError, match="Another trainer is at work"):
        RunDirectory.reopen(path)
    process.kill()
    process.communicate()
    RunDirectory.reopen(path).release()


def test_another_thread_may_let_go(run, path):
    thread = threading.Thread(target=run.release)
    thread.start()
    thread.join()
    RunDirectory.reopen(path).release()


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "holds no run to resume: leave out `resume=True` to begin one"),
        ('{"config": {', r"run.json cannot be read \(.*\): begin anew with `overwrite=True`"),
        ("\ud800", "run.json cannot be read"),
        ("[]", "run.json does not describe a run of nextword"),
        ('{"scripts": {}}', "run.json does not describe a run of nextword"),
    ],
)
def test_what_is_no_run(path, content, message):
    path.mkdir(parents=True)
    if content is not None:
        (path / "run.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(RunError, match=message):
        RunDirectory.reopen(path)


def test_the_log_is_json_even_where_a_number_is_none(run, path):
    run.log(step=1, loss=0.1 + 0.2, lr=None, norm=math.inf, val=math.nan)

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    line = (path / "log.jsonl").read_text()
    assert line.endswith("}\n")
    assert json.loads(line, parse_constant=refuse) == {
        "step": 1,
        "loss": 0.1 + 0.2,
        "lr": None,
        "norm": None,
        "val": None,
    }


def test_rewinding_forgets_later_lines_and_half_lines(run, path):
    for step in range(5):
        run.log(step=step, loss=10.0 - step)
    whole = (path / "log.jsonl").read_text().splitlines(keepends=True)
    (path / "log.jsonl").write_text("".join(whole) + '{"step": 2, "lo')
    run.rewind(3)
    assert (path / "log.jsonl").read_text() == "".join(whole[:4])
    # The last line may be whole but for its end.
    (path / "log.jsonl").write_text("".join(whole[:4]).rstrip("\n"))
    run.rewind(3)
    run.log(step=4, loss=6.0)
    assert (path / "log.jsonl").read_text() == "".join(whole)


@pytest.mark.parametrize("half", ["", "## Step", "## Step ", "## Step 2", "## Step 2\n", "## Step 2\n\n> **The", "\n"])
def test_rewinding_forgets_later_and_half_written_samples(run, path, half):
    run.add_sample(4, "The ferry", " left\n\n## Step 1\n\nat\u2028seven\x85\x0c\r\n.")
    run.add_sample(8, "", "")
    kept = (path / "samples.md").read_text()
    run.add_sample(12, "The ferry", " sank")
    (path / "samples.md").write_text((path / "samples.md").read_text() + half)
    run.rewind(8)
    assert (path / "samples.md").read_text() == kept


def test_rewinding_forgets_later_looks_at_the_attention(run):
    model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2))
    for step in (4, 8):
        run.attention.add(step, model, torch.arange(5))
    run.rewind(4)
    assert run.attention.steps() == [4]


def test_samples_are_quotations(run, path):
    run.add_sample(4, "The ferry", " left\n# at\n\nseven")
    assert (path / "samples.md").read_text() == "## Step 4\n\n> **The ferry** left\n> # at\n> \n> seven\n\n"


def test_every_line_of_a_prompt_is_bold(run, path):
    run.add_sample(0, "A Penny\n\nThe piano", " came\ndown")
    assert (path / "samples.md").read_text() == "## Step 0\n\n> **A Penny**\n> \n> **The piano** came\n> down\n\n"


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "step-00000007"
    save_huggingface(GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=1)), path)
    (path / "training.safetensors").touch()
    return path


def test_publishing_makes_the_run_a_model_directory(run, path, checkpoint):
    run.publish(checkpoint)
    assert names(path) == ["config.json", "model.safetensors", "run.json"]
    assert torch.equal(load_model(path).wte.weight, load_model(checkpoint).wte.weight)


def test_only_the_weights_share_their_place_on_the_disk(run, path, checkpoint):
    """An editor that writes into config.json must not damage the checkpoint; half a gigabyte is not copied."""
    run.publish(checkpoint)
    assert os.path.samefile(path / "model.safetensors", checkpoint / "model.safetensors")
    assert not os.path.samefile(path / "config.json", checkpoint / "config.json")


def test_where_there_are_no_links_the_weights_are_copied(run, path, checkpoint, monkeypatch):
    def fail(*arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", fail)
    run.publish(checkpoint)
    assert not os.path.samefile(path / "model.safetensors", checkpoint / "model.safetensors")
    assert torch.equal(load_model(path).wte.weight, load_model(checkpoint).wte.weight)


def test_a_link_that_a_kill_left_is_not_written_through(run, path, checkpoint, tmp_path):
    """It is a second name of an older checkpoint's weights, which must stay what they were."""
    older = tmp_path / "older.safetensors"
    older.write_bytes(b"older")
    os.link(older, path / "model.safetensors.tmp")
    run.publish(checkpoint)
    assert older.read_bytes() == b"older"
    assert os.path.samefile(path / "model.safetensors", checkpoint / "model.safetensors")
    assert names(path) == ["config.json", "model.safetensors", "run.json"]
