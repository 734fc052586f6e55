"""A run that stops, is killed or is damaged goes on as if nothing had happened, or says why it will not."""

import errno
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from train.runs import log, losses, newest, of, python, state, train

from nextword.errors import RunError, TrainingError
from nextword.train import Trainer
from nextword.train.attention_log import AttentionLog
from nextword.train.checkpoint import newest_sound_checkpoint
from nextword.train.events import Finished, Saved, Started, Stepped, Warned
from nextword.train.recorded_run import recorded_config
from nextword.weights import load_model


@pytest.fixture(scope="module")
def known():
    return {}


@pytest.fixture
def never_stopped(known):
    """What a run with such settings leaves when nothing interrupts it; computed once, wherever it is kept."""

    def run(config):
        settings = replace(config, data=(), out=None)
        if settings not in known:
            whole = replace(config, out=f"{config.out}-whole")
            train(Trainer(whole))
            known[settings] = state(Path(whole.out))
        return known[settings]

    return run


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_stopping_and_resuming_changes_not_one_bit(config, dtype, accumulate, never_stopped):
    """Twice, and both times in the middle of an epoch: weights, optimizer, random state, log and samples."""
    config = replace(config, dtype=dtype, accumulate=accumulate, steps=11, save_every=6)
    if (dtype, accumulate) == ("float32", 1):  # once with GPT-2's own vocabulary
        config = replace(config, tokenizer=None)
    told = train(Trainer(config), until=3)
    assert told[-1].complete is False
    told += train(Trainer(config, resume=True), until=7)
    told += train(Trainer(config, resume=True))
    assert [event.step for event in of(told, Started)] == [0, 3, 7]
    assert [event.step for event in of(told, Stepped)] == list(range(1, 12))
    expected = never_stopped(config)
    found = state(Path(config.out))
    expected["checkpoints"], found["checkpoints"] = None, None  # saved at other steps
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


@pytest.mark.parametrize("optimizer", ["muon", "mars", "soap"])
def test_what_other_optimizers_remember_is_kept(config, optimizer, never_stopped):
    config = replace(config, optimizer=optimizer, steps=7)
    train(Trainer(config), until=1)
    train(Trainer(config, resume=True), until=4)
    train(Trainer(config, resume=True))
    expected, found = never_stopped(config), state(Path(config.out))
    expected["checkpoints"], found["checkpoints"] = None, None  # saved at other steps
    assert [name for name in found if found[name] != expected[name]] == []


def test_a_run_by_the_fast_recipe_goes_on_by_muon(config):
    config = replace(config, recipe="fast", steps=3)
    train(Trainer(config), until=1)
    train(Trainer(config, resume=True))
    moments = load_file(newest(Path(config.out)) / "training.safetensors")
    assert any("momentum" in name for name in moments)
    recorded = json.loads((Path(config.out) / "run.json").read_text())
    assert (recorded["config"]["optimizer"], recorded["plan"]["optimizer"]) == (None, "muon")


def test_a_run_from_before_there_were_other_optimizers_goes_on_by_adamw(config):
    train(Trainer(config), until=1)
    path = Path(config.out) / "run.json"
    recorded = json.loads(path.read_text())
    for name in ("optimizer", "recipe"):
        del recorded["config"][name]
    del recorded["plan"]["optimizer"]
    path.write_text(json.dumps(recorded))
    assert train(Trainer(config, resume=True))


def test_sources_with_weights_go_on_with_the_same_windows_and_not_by_other_weights(config, text, tmp_path):
    records = tmp_path / "tales.jsonl"
    records.write_text("\n".join(json.dumps({"n": n, "text": f"It is tale {n} of the goat."}) for n in range(60)))
    config = replace(config, data=(f"{text}:0.8", f"{records}:0.2"), field="text", steps=7)
    whole = replace(config, out=f"{config.out}-whole")
    train(Trainer(whole))
    train(Trainer(config), until=3)
    train(Trainer(config, resume=True))
    expected, found = state(Path(whole.out)), state(Path(config.out))
    expected["checkpoints"], found["checkpoints"] = None, None  # saved at other steps
    assert [name for name in found if found[name] != expected[name]] == []
    for other in ({"data": (f"{text}:0.7", f"{records}:0.3")}, {"field": None}):
        with pytest.raises(RunError, match=r"cannot be resumed differently .* (SHA-256 differs|`field` was text)"):
            Trainer(replace(config, **other), resume=True)


def test_the_random_state_matters(config, never_stopped):
    """Or restoring it would not have been tested above."""
    train(Trainer(config), until=3)
    trainer = Trainer(config, resume=True)
    torch.manual_seed(99)
    train(trainer)
    assert log(Path(config.out))[:4] == never_stopped(config)["log"][:4]
    assert log(Path(config.out))[4:] != never_stopped(config)["log"][4:]


@pytest.mark.parametrize("step", [1, 4, 9, 11])
def test_any_step_will_do(config, never_stopped, step):
    train(Trainer(config), until=step)
    train(Trainer(config, resume=True))
    assert state(Path(config.out))["log"] == never_stopped(config)["log"]


def test_the_best_so_far_and_the_first_loss_are_remembered(config, never_stopped):
    """With such a learning rate the validation loss is lowest before the stop, at step 4 of 8."""
    config = replace(config, steps=8, eval_every=2, save_every=5, lr=0.3, warmup=8, dropout=0.0)
    first = losses(train(Trainer(config), until=5))[0]
    trainer = Trainer(config, resume=True)
    assert trainer._state.start_loss == first
    assert train(trainer)[-1].best_step == 4
    assert state(Path(config.out)) == never_stopped(config)


def test_a_stop_before_the_first_step_still_leaves_something_to_resume(config, never_stopped):
    trainer = Trainer(config)
    trainer.stop()
    events = train(trainer)
    assert [event.step for event in of(events, Saved)] == [1]
    assert isinstance(events[-1], Finished)
    train(Trainer(config, resume=True))
    assert state(Path(config.out))["log"] == never_stopped(config)["log"]


def test_a_stop_before_the_first_step_of_a_resumed_run_adds_nothing(stopped):
    before = state(Path(stopped.out))
    trainer = Trainer(stopped, resume=True)
    trainer.stop()
    assert [type(event) for event in train(trainer)] == [Started, Finished]
    assert state(Path(stopped.out)) == before


def test_resuming_a_finished_run_changes_nothing(config):
    train(Trainer(config))
    before = state(Path(config.out))
    events = train(Trainer(config, resume=True))
    assert events[-1].complete
    assert not of(events, Stepped)
    assert state(Path(config.out)) == before


def test_a_finished_run_that_was_killed_before_its_weights_were_in_place(config):
    train(Trainer(config))
    before = state(Path(config.out))
    (Path(config.out) / "model.safetensors").unlink()
    train(Trainer(config, resume=True))
    assert state(Path(config.out)) == before


def test_what_a_kill_leaves_half_written_is_no_hindrance(stopped, never_stopped):
    run = Path(stopped.out)
    with (run / "log.jsonl").open("a") as file:
        file.write('{"step": 8, "tokens": 256, "train_loss": 9.1, "val_loss": null}\n{"step": 9, "tok')
    with (run / "samples.md").open("a") as file:
        file.write("## Step 8\n\n> **The ferry** le")
    draft = run / "checkpoints" / "step-00000008.tmp"
    draft.mkdir()
    (draft / "model.safetensors").write_bytes(b"half")
    (run / "model.safetensors.tmp").write_bytes(b"half")
    (run / "log.jsonl.tmp").write_text("half")
    events = train(Trainer(stopped, resume=True))
    assert not of(events, Warned)
    assert state(run) == never_stopped(stopped)
    assert not list(run.rglob("*.tmp"))


def test_a_run_from_before_text_was_cut_at_the_mark_goes_on_as_it_began(config, text):
    """Then the mark was spelled and JSON was text like any other; run.json says nothing of it."""
    text.write_text('{"a": 1}\n{"b": 2}\n' + text.read_text().replace("\n", "<|endoftext|>"))
    as_then = replace(config, separator="", as_text=True)
    train(Trainer(replace(as_then, out=f"{config.out}-whole")))
    train(Trainer(as_then), until=3)
    file = Path(config.out) / "run.json"
    said = json.loads(file.read_text())
    for name in ("separator", "encoding", "as_text"):
        del said["config"][name]
    for name in ("sources", "suffixes", "documents"):
        del said["data"][name]
    file.write_text(json.dumps(said))
    for resumed in (config, recorded_config(Path(config.out))):
        trainer = Trainer(resumed, resume=True)
        assert trainer.setup.tokenizer.eot_id not in trainer.setup.windows.ids
    train(trainer)
    expected, found = state(Path(f"{config.out}-whole")), state(Path(config.out))
    expected["checkpoints"], found["checkpoints"] = None, None  # saved at other steps
    assert [name for name in found if found[name] != expected[name]] == []


def test_a_resumed_run_reads_its_text_as_it_did(config, text):
    """Also where other files would be read by now: run.json has the suffixes."""
    folder = text.parent / "texts"
    folder.mkdir()
    text.rename(folder / "ferry.txt")
    (folder / "more.tex").write_text("One<|endoftext|>two.")
    config = replace(config, data=(str(folder),))
    job = Trainer(config).setup
    assert job.corpus.documents[1:] == ("One", "two.")
    train(Trainer(config), until=3)
    (folder / "new.tex").write_text("new")
    with pytest.raises(RunError, match="the text of texts has changed"):
        Trainer(config, resume=True)
    (folder / "new.tex").unlink()
    file = Path(config.out) / "run.json"
    file.write_text(file.read_text().replace('".tex"', '".xyz"'))  # as if .tex had not been among them then
    with pytest.raises(RunError, match="the text of texts has changed"):
        Trainer(config, resume=True)


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda path: flip(path / "model.safetensors"), "model.safetensors has changed since it was written"),
        (lambda path: flip(path / "training.safetensors"), "training.safetensors has changed"),
        (lambda path: os.truncate(path / "training.safetensors", 1000), "has 1000 bytes instead of"),
        (lambda path: (path / "progress.json").unlink(), "progress.json is missing"),
        (lambda path: (path / "manifest.json").write_text("{"), "manifest.json cannot be read"),
    ],
    ids=["weights", "optimizer", "truncated", "missing", "manifest"],
)
def test_from_a_damaged_checkpoint_back_to_the_one_before(stopped, damage, message, never_stopped):
    damage(newest(Path(stopped.out)))  # of step 7; the other is of step 6
    events = train(Trainer(stopped, resume=True))
    (warning,) = of(events, Warned)
    assert message in warning.message
    assert warning.message.endswith("Resuming from step-00000006.")
    assert of(events, Started)[0].step == 6
    assert state(Path(stopped.out)) == never_stopped(stopped)


def test_where_every_checkpoint_is_damaged(stopped):
    for path in (Path(stopped.out) / "checkpoints").iterdir():
        flip(path / "model.safetensors")
    with pytest.raises(RunError, match=r"no checkpoint to resume from \(.*step-00000007.*step-00000006.*`overwrite"):
        Trainer(stopped, resume=True)
    train(Trainer(stopped, overwrite=True))


RUN = """
    from pathlib import Path
    from nextword.train import TrainConfig, Trainer
    import nextword.train.trainer
    nextword.train.trainer.plot_loss = lambda *arguments: None
    nextword.train.trainer.SAMPLE_TOKENS = 8
    config = TrainConfig(**eval(sys.argv[1]))
    for event in Trainer(config, resume=Path(config.out, "run.json").exists()).run():
        print(event.step, flush=True)
"""


def test_killed_again_and_again_it_still_gets_there(config):
    """A real process, a real kill -9, at moments drawn anew each time; what it then has is whole."""
    config = replace(config, steps=100, save_every=1, eval_every=2, sample_every=3)
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown if this fails
    moments = random.Random(seed)
    run = Path(config.out)
    for _ in range(2):
        process = python(RUN, repr(vars(config)))
        for _ in range(moments.randrange(5, 12)):  # the fifth event is that the first step is saved
            process.stdout.readline()
        time.sleep(moments.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors
        path, faults = newest_sound_checkpoint(run / "checkpoints")
        assert faults == []
        assert path == newest(run)
        load_model(path)
        load_model(run)
    step = int(path.name[5:])
    # To the end it would take long: what counts is that all that came before is what it should be.
    trainer = Trainer(config, resume=True)
    train(trainer, until=step + 2)
    whole = Trainer(replace(config, out=f"{config.out}-whole", save_every=1000))
    train(whole, until=step + 2)
    found, expected = state(run), state(Path(whole.setup.config.out))
    assert found["log"] == expected["log"]
    for name in ("model.safetensors", "samples.md", *(n for n in found if n.endswith("training.safetensors"))):
        assert found[name] == expected[name], name


@pytest.mark.parametrize(
    "settings, difference",
    [
        ({"lr": 0.02}, "`lr` was 0.01 and is 0.02"),
        ({"batch_size": 3}, "`batch_size` was 2 and is 3"),
        ({"window": 64}, "`window` was 16 and is 64"),
        ({"dtype": "bfloat16"}, "`dtype` was float32 and is bfloat16"),
    ],
)
def test_a_changed_setting_is_refused_and_named(stopped, settings, difference):
    before = state(Path(stopped.out))
    with pytest.raises(RunError, match=f"cannot be resumed differently from how it was begun: {difference}. To train"):
        Trainer(replace(stopped, **settings), resume=True)
    assert state(Path(stopped.out)) == before
    train(Trainer(stopped, resume=True), until=8)  # the lock was let go of


@pytest.mark.parametrize("change", [lambda text: text.replace("goat", "boat"), lambda text: text[:40]])
def test_a_changed_text_is_refused(stopped, text, change):
    text.write_text(change(text.read_text()))
    with pytest.raises(RunError, match=r"the text of ferry has changed \(its SHA-256 differs\)"):
        Trainer(stopped, resume=True)


def test_a_moved_run_and_a_renamed_text_are_the_same_run(stopped, text, tmp_path, never_stopped):
    expected = never_stopped(stopped)
    text.rename(tmp_path / "renamed.txt")
    shutil.move(stopped.out, tmp_path / "moved")
    moved = replace(stopped, data=(str(tmp_path / "renamed.txt"),), out=str(tmp_path / "moved"))
    train(Trainer(moved, resume=True))
    assert state(tmp_path / "moved") == expected


def test_another_number_of_threads_is_told(stopped):
    file = Path(stopped.out) / "run.json"
    said = json.loads(file.read_text())
    file.write_text(json.dumps(said | {"threads": said["threads"] + 1}))
    (warning,) = of(train(Trainer(stopped, resume=True), until=8), Warned)
    assert "The number of threads was" in warning.message


def test_nothing_to_resume(config):
    with pytest.raises(RunError, match="run holds no run to resume: leave out `resume=True` to begin one"):
        Trainer(config, resume=True)
    assert not Path(config.out).exists()
    running = Trainer(config).run()
    next(running)
    running.close()  # begun, and nothing saved
    with pytest.raises(RunError, match="run has no checkpoint to resume from: begin anew with `overwrite=True`"):
        Trainer(config, resume=True)


def test_a_run_is_not_begun_over_another(stopped):
    before = state(Path(stopped.out))
    with pytest.raises(
        RunError, match=r"already holds a run: continue it with `resume=True` \(from step 7\), replace it with"
    ):
        Trainer(stopped)
    assert state(Path(stopped.out)) == before


def test_a_directory_of_other_things_is_refused_even_with_overwrite(config):
    Path(config.out).mkdir()
    (Path(config.out) / "model.safetensors").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="has files in it that are not a run's"):
            Trainer(config, overwrite=overwrite)
    assert (Path(config.out) / "model.safetensors").read_text() == "mine"


def test_overwriting_removes_only_what_a_run_leaves(stopped, never_stopped):
    (Path(stopped.out) / "diary.md").write_text("mine")
    train(Trainer(stopped, overwrite=True))
    assert (Path(stopped.out) / "diary.md").read_text() == "mine"
    (Path(stopped.out) / "diary.md").unlink()
    assert state(Path(stopped.out)) == never_stopped(stopped)


def test_a_trainer_writes_nothing_before_it_runs(config, stopped):
    """So one that is made and left, as in a notebook's cell that fails, is in nobody's way."""
    before = everything(stopped.out)
    made = [Trainer(stopped, resume=True), Trainer(stopped, overwrite=True)]
    assert everything(stopped.out) == before
    train(made[1])
    with pytest.raises(RunError, match="has gone on since this trainer was made: resume it anew"):
        train(made[0])


def everything(run):
    return {path: path.is_file() and path.read_bytes() for path in Path(run).rglob("*")}


def begun(config):
    """A run that stands still after its second step."""
    trainer = Trainer(config)
    running = trainer.run()
    while trainer.step < 2:
        next(running)
    return running


def test_two_at_the_same_time(config, never_stopped):
    """The one that began is not disturbed by another thread's, which is refused."""
    config = replace(config, save_every=1)
    running = begun(config)
    next(event for event in running if isinstance(event, Saved))
    refused = []

    def other():
        for how in ({"resume": True}, {"overwrite": True}):
            with pytest.raises(RunError, match="Another trainer is at work in"):
                Trainer(config, **how)
            refused.append(how)

    with torch.random.fork_rng():  # in one process, unlike in two, both draw from the same random numbers
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 2
    for _ in running:
        pass
    assert state(Path(config.out)) == never_stopped(config)


@pytest.mark.parametrize("how", [{"resume": True}, {"overwrite": True}])
def test_a_cell_that_is_run_again_takes_over_from_the_run_that_it_left(config, how, never_stopped):
    """What began it still stands in some variable, or in the traceback of what interrupted it."""
    config = replace(config, save_every=1)
    left = begun(config)
    train(Trainer(config, **how))
    assert next(left, None) is None
    assert state(Path(config.out)) == never_stopped(config)
    train(Trainer(config, overwrite=True))  # and this one's end lets go of it


def test_a_run_is_replaced_when_the_new_one_has_saved_something_and_not_before(stopped):
    before = everything(stopped.out)
    running = Trainer(stopped, overwrite=True).run()  # which saves after its second step
    for event in running:
        if isinstance(event, Stepped):
            break
    assert len(log(Path(stopped.out))) == 2
    running.close()
    assert everything(stopped.out) == before
    for event in Trainer(stopped, overwrite=True).run():
        if isinstance(event, Saved):
            break
    assert [path.name for path in (Path(stopped.out) / "checkpoints").iterdir()] == ["step-00000002"]
    assert not list(Path(stopped.out).glob(".replaced"))


def test_a_path_will_do_for_out(stopped):
    """It once deleted the run that was there, and then could not be written into run.json."""
    train(Trainer(replace(stopped, out=Path(stopped.out)), overwrite=True), until=1)
    assert len(log(Path(stopped.out))) == 2


def test_a_failure_before_anything_is_saved_puts_the_older_run_back(stopped):
    before = everything(stopped.out)
    trainer = Trainer(stopped, overwrite=True)
    trainer.setup.model.ln_f.weight.data[0] = float("nan")
    with pytest.raises(TrainingError, match=r"The loss over this text is nan\..* The older run is back in its place\."):
        train(trainer)
    assert everything(stopped.out) == before


def test_a_kill_before_anything_is_saved_is_told_when_it_is_resumed(stopped):
    before = everything(stopped.out)
    process = python(RUN.replace("resume=", "overwrite="), repr(vars(stopped)))
    for _ in range(4):
        process.stdout.readline()  # the first step is made
    process.kill()
    process.communicate()
    assert everything(stopped.out) != before
    with pytest.raises(RunError, match=r"ended before it had saved anything, and the older one.*is back"):
        Trainer(stopped, resume=True)
    assert everything(stopped.out) == before


def test_what_the_file_system_cannot_promise_is_told_and_trained_on(config, monkeypatch):
    def unable(*_):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", unable)
    monkeypatch.setattr("os.fsync", unable)
    monkeypatch.setattr("os.link", unable)
    told = [event.message for event in of(train(Trainer(config), until=1), Warned)]
    assert [message.split(" ", 4)[4].partition(":")[0] for message in told] == [
        f"{config.out} has no locks",
        f"{config.out} cannot force a folder to its disk",
    ]
    assert train(Trainer(config, resume=True))[-1].complete


def test_all_files_may_be_read_by_who_may_read_any(config):
    """By the user's own umask; safetensors leaves its files to their owner alone."""
    before = os.umask(0o027)
    try:
        train(Trainer(config), until=1)
    finally:
        os.umask(before)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in Path(config.out).rglob("*") if path.is_file()}
    assert {mode for name, mode in modes.items() if name != ".lock"} == {"0o640"}, modes


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes only names in UTF-8")
def test_a_path_that_is_not_utf8_is_one_like_any_other(config, tmp_path):
    """The byte 0xE9 is an e with an accent in Latin-1, as old systems wrote it."""
    config = replace(config, out=os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    train(Trainer(config), until=5)
    assert train(Trainer(config, resume=True))[-1].complete
    load_model(config.out)
    log_of_looks = AttentionLog(Path(config.out) / "attention")
    assert log_of_looks.read(log_of_looks.steps()[-1], 0, 0).shape == (32, 32)
