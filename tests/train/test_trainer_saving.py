"""Checkpoints that are written while training goes on."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from train.runs import log, of, train

import nextword.train.trainer as trainer_module
from nextword.train import Trainer
from nextword.train.checkpoint import checkpoints, find_fault
from nextword.train.events import Saved, Stepped


@pytest.fixture
def slow(monkeypatch):
    """Let all checkpoints but the last be written in the background, and only once the gate is open."""
    gate, write = threading.Event(), trainer_module.write_checkpoint

    def waiting(folder, snapshot):
        if threading.current_thread() is not threading.main_thread():
            assert gate.wait(60)
        return write(folder, snapshot)

    monkeypatch.setattr(trainer_module, "LONG_TO_WRITE", 0)
    monkeypatch.setattr(trainer_module, "write_checkpoint", waiting)
    return gate


def test_a_checkpoint_is_of_its_own_step_though_training_went_on(config, slow):
    config = replace(config, save_every=5, sample_every=12)
    whole = replace(config, out=f"{config.out}-whole")
    slow.set()
    train(Trainer(whole))
    slow.clear()
    run = Trainer(config).run()
    for event in run:
        if isinstance(event, Stepped) and event.step == 8:
            break
    assert checkpoints(Path(config.out) / "checkpoints") == []  # three steps after it was asked for
    slow.set()
    run.close()  # which waits for it
    (path,) = checkpoints(Path(config.out) / "checkpoints")
    assert (path.name, find_fault(path)) == ("step-00000005", None)
    train(Trainer(config, resume=True))
    assert log(Path(config.out)) == log(Path(whole.out))
    weights = [(Path(c.out) / "model.safetensors").read_bytes() for c in (config, whole)]
    assert weights[0] == weights[1]


def test_the_next_checkpoint_waits_for_the_one_before(config, slow):
    events = []
    for event in Trainer(replace(config, save_every=3)).run():
        events.append(event)
        if isinstance(event, Stepped) and event.step == 5:
            threading.Timer(0.2, slow.set).start()
    assert [event.step for event in of(events, Saved)] == [3, 6, 9, 12]
    assert len(of(events, Stepped)) == 12


def test_a_full_disk_ends_the_run_with_its_own_error(config, slow, monkeypatch):
    def fails(folder, snapshot):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trainer_module, "write_checkpoint", fails)
    with pytest.raises(OSError, match="No space left"):
        train(Trainer(replace(config, save_every=3)))
    Trainer(config, overwrite=True)  # the directory is free again


def test_without_room_for_a_copy_it_is_written_at_once(config, slow, monkeypatch):
    monkeypatch.setattr(trainer_module, "available_memory", lambda device: 1000)
    assert [event.step for event in of(train(Trainer(replace(config, save_every=5))), Saved)] == [5, 10, 12]
