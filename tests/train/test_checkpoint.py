import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from nextword.errors import RunError
from nextword.model import GPT, GPTConfig
from nextword.train.checkpoint import (
    TrainerState,
    checkpoints,
    find_fault,
    newest_sound_checkpoint,
    restore,
    save_checkpoint,
)
from nextword.train.optimizer import make_optimizer
from nextword.train.setup import with_dropout
from nextword.weights import load_model

SMALL = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)


def trained(seed=0, config=SMALL):
    """A model and an optimizer that have seen two random gradients."""
    torch.manual_seed(seed)
    model = GPT(config)
    optimizer = make_optimizer(model, 0.01, 0.1, 0.95)
    for _ in range(2):
        for parameter in model.parameters():
            parameter.grad = torch.randn_like(parameter)
        optimizer.step()
    return model, optimizer


@pytest.fixture
def folder(tmp_path):
    """Checkpoints of steps 10 and 20."""
    model, optimizer = trained()
    for step in (10, 20):
        save_checkpoint(tmp_path, model, optimizer, TrainerState(step))
    return tmp_path


def test_nothing_in_it_can_run_code(folder):
    for path in (folder / "step-00000020").iterdir():
        if path.suffix == ".safetensors":
            load_file(path)  # reads nothing else
        else:
            json.loads(path.read_text())
    names = {path.name for path in (folder / "step-00000020").iterdir()}
    assert names == {"config.json", "model.safetensors", "training.safetensors", "progress.json", "manifest.json"}


def test_the_manifest_lists_every_other_file_as_it_is(folder):
    path = folder / "step-00000020"
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest.keys() == {file.name for file in path.iterdir()} - {"manifest.json"}
    for name, said in manifest.items():
        content = (path / name).read_bytes()
        assert said == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_all_comes_back_bit_for_bit(tmp_path):
    model, optimizer = trained()
    progress = TrainerState(step=7, start_loss=10.8, best_val_loss=0.1 + 0.2, best_step=4)
    path = save_checkpoint(tmp_path, model, optimizer, progress)
    drawn = torch.rand(5)

    other = with_dropout(load_model(path), 0.0)
    other_optimizer = make_optimizer(other, 0.01, 0.1, 0.95)
    assert restore(path, other, other_optimizer) == progress
    assert torch.equal(torch.rand(5), drawn)
    for (name, p), q in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q), name
        assert optimizer.state[p].keys() == other_optimizer.state[q].keys()
        for kind, value in optimizer.state[p].items():
            assert torch.equal(value, other_optimizer.state[q][kind]), (name, kind)

    # And what is done with it next is the same as well.
    for m, o in ((model, optimizer), (other, other_optimizer)):
        generator = torch.Generator().manual_seed(3)
        for p in m.parameters():
            p.grad = torch.randn(p.shape, generator=generator)
        o.step()
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), other.parameters(), strict=True))


def test_the_last_two_are_kept(folder):
    model, optimizer = trained()
    path = save_checkpoint(folder, model, optimizer, TrainerState(30))
    assert path == folder / "step-00000030"
    assert sorted(p.name for p in folder.iterdir()) == ["step-00000020", "step-00000030"]


def test_what_a_kill_left_behind_is_no_checkpoint_and_goes_with_the_next_one(folder):
    (folder / "step-00000025.tmp").mkdir()
    (folder / "step-00000025.tmp" / "manifest.json").write_text("{}")
    (folder / "step-00000005").mkdir()  # an old one, half deleted
    (folder / "notes").mkdir()
    assert [path.name for path in checkpoints(folder)] == ["step-00000010", "step-00000020"]
    model, optimizer = trained()
    save_checkpoint(folder, model, optimizer, TrainerState(30))
    assert sorted(p.name for p in folder.iterdir()) == ["notes", "step-00000020", "step-00000030"]


def test_one_that_was_gone_back_from_does_not_displace_a_sound_one(folder):
    """Step 20 is damaged, the run goes on from 10 and saves at 12: 10 and 12 must stay."""
    model, optimizer = trained()
    save_checkpoint(folder, model, optimizer, TrainerState(12))
    assert [path.name for path in checkpoints(folder)] == ["step-00000010", "step-00000012"]


def test_the_same_step_again_takes_the_old_ones_place(folder):
    model, optimizer = trained(seed=1)
    path = save_checkpoint(folder, model, optimizer, TrainerState(20))
    assert find_fault(path) is None
    assert torch.equal(load_model(path).wte.weight, model.wte.weight)
    assert len(checkpoints(folder)) == 2


def flip(path):
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "flipped": (lambda p: flip(p / "model.safetensors"), "model.safetensors has changed since it was written"),
    "state": (lambda p: flip(p / "training.safetensors"), "training.safetensors has changed since it was written"),
    "cut": (lambda p: os.truncate(p / "training.safetensors", 100), "has 100 bytes instead of"),
    "missing": (lambda p: (p / "progress.json").unlink(), "progress.json is missing"),
    "manifest cut": (lambda p: os.truncate(p / "manifest.json", 30), "manifest.json cannot be read"),
    "manifest list": (lambda p: (p / "manifest.json").write_text("[1]"), "manifest.json cannot be read"),
    "manifest number": (lambda p: (p / "manifest.json").write_text('{"a": 1}'), "missing|cannot be read"),
    "manifest empty": (lambda p: (p / "manifest.json").write_text("{}"), "manifest.json cannot be read"),
    "directory": (lambda p: (p / "progress.json").unlink() or (p / "progress.json").mkdir(), "progress.json"),
}


@pytest.mark.parametrize("damage, message", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_one_is_named_and_the_one_before_it_taken(folder, damage, message):
    damage(folder / "step-00000020")
    path, faults = newest_sound_checkpoint(folder)
    assert path == folder / "step-00000010"
    assert len(faults) == 1
    assert "step-00000020" in faults[0]
    assert re.search(message, faults[0]), faults[0]


def test_a_disk_that_fails_is_a_fault_and_no_traceback(folder, monkeypatch):
    def fail(file):
        if file.parent.name == "step-00000020":
            raise OSError(5, "Input/output error", str(file))
        return hashlib.sha256(file.read_bytes()).hexdigest()

    monkeypatch.setattr("nextword.train.checkpoint.sha256", fail)
    path, faults = newest_sound_checkpoint(folder)
    assert path == folder / "step-00000010"
    assert "step-00000020 cannot be read" in faults[0]
    assert "Input/output error" in faults[0]


def test_where_all_are_damaged_there_is_none(folder):
    for path in checkpoints(folder):
        flip(path / "model.safetensors")
    path, faults = newest_sound_checkpoint(folder)
    assert path is None
    assert [fault.count("step-000000") for fault in faults] == [1, 1]
    assert newest_sound_checkpoint(folder / "nowhere") == (None, [])


def test_the_state_of_another_model_is_refused(folder):
    model = GPT(replace(SMALL, n_layer=3))
    with pytest.raises(RunError, match=r"step-00000020 holds no training state for this model .*h\.2"):
        restore(folder / "step-00000020", model, make_optimizer(model, 0.01, 0.1, 0.95))


KILLED = """
import os, shutil, sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
import torch
from nextword.model import GPT, GPTConfig
from nextword.train.checkpoint import TrainerState, newest_sound_checkpoint, save_checkpoint
from nextword.train.run_directory import RunDirectory
from nextword.weights import load_model

os.fsync = lambda file: None  # this is about the end of a process, not of the power
FILE_OPERATIONS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "shutil.rmtree"}
top = Path(sys.argv[1])
model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=1))
optimizer = SimpleNamespace(state=defaultdict(dict))  # a real one takes a second to import

def save(run, step):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(step)  # so that any weight tells from which step it is
    RunDirectory(run).publish(save_checkpoint(run / "checkpoints", model, optimizer, TrainerState(step)))

def steps(model):
    return {number for parameter in model.parameters() for number in parameter.unique().tolist()}

save(top / "start", 1)
save(top / "start", 2)
moment, killed = 0, True
while killed:
    moment += 1
    run = top / str(moment)
    shutil.copytree(top / "start", run, copy_function=shutil.copyfile)
    child = os.fork()
    if child == 0:
        left = moment
        def die(event, arguments):
            global left
            left -= event in FILE_OPERATIONS
            if left == 0:
                os._exit(9)
        sys.addaudithook(die)
        save(run, 3)
        os._exit(0)
    killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

    newest, faults = newest_sound_checkpoint(run / "checkpoints")
    assert newest is not None and not faults, (moment, faults)
    assert steps(load_model(newest)) == {int(newest.name[5:])} <= {2.0, 3.0}, (moment, newest)
    assert len(steps(load_model(run))) == 1, moment
    save(run, 4)  # what was left lying about is in nobody's way
    newest, faults = newest_sound_checkpoint(run / "checkpoints")
    assert newest.name == "step-00000004" and not faults, (moment, faults)
    assert os.path.samefile(newest / "model.safetensors", run / "model.safetensors")
    shutil.rmtree(newest)
    before, faults = newest_sound_checkpoint(run / "checkpoints")
    assert before is not None and not faults, (moment, faults)
    shutil.rmtree(run)
print(moment)
"""


def test_a_kill_before_any_file_operation_of_a_save_leaves_a_whole_checkpoint(tmp_path):
    """Fork a saving process for each of its file operations, and end it just before that one."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # threads do not survive a fork
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30  # so many moments were tried


def test_restored_moments_stay_whatever_is_written_into_the_file(tmp_path):
    model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=1))
    optimizer = torch.optim.AdamW(model.parameters())
    model.loss(torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3, 4]])).backward()
    optimizer.step()
    path = save_checkpoint(tmp_path, model, optimizer, TrainerState(step=1))
    again = torch.optim.AdamW(model.parameters())
    restore(path, model, again)
    os.truncate(path / "training.safetensors", 10)  # a mapped file would end the process here
    for ours, saved in zip(again.state.values(), optimizer.state.values(), strict=True):
        assert torch.equal(ours["exp_avg"], saved["exp_avg"])
