"""Whether and when a run goes over to compiled code, what it does where that fails, and how it resumes."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from train.runs import late, log, newest, of, state, train

from nextword.train import Trainer
from nextword.train.checkpoint import sha256
from nextword.train.compilation import COMPILE_SECONDS, SHARE_SAVED, seconds_saved
from nextword.train.events import Compiling, Stepped, Validated, Warned


def test_compiling_is_only_for_gpus_and_for_long_runs(monkeypatch):
    monkeypatch.setattr("nextword.train.compilation.has_triton", lambda: True)
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert seconds_saved(cpu, 10.0, 10**6) == 0
    assert seconds_saved(gpu, 0.1, 100) < 0
    assert seconds_saved(gpu, 0.1, 100_000) == pytest.approx(SHARE_SAVED * 10_000 - COMPILE_SECONDS)
    monkeypatch.setattr("nextword.train.compilation.has_triton", lambda: False)
    assert seconds_saved(gpu, 0.1, 100_000) == 0


def test_compiling_is_announced_before_the_step_that_takes_so_long(config, monkeypatch):
    compiled = []
    monkeypatch.setattr("nextword.train.steps.seconds_saved", lambda device, seconds, left: 123.0 * left)
    monkeypatch.setattr("torch.compile", lambda function, **how: compiled.append(how) or function)
    events = train(late(config))
    (told,) = of(events, Compiling)
    assert (told.step, told.saves, told.seconds) == (10, 246.0, COMPILE_SECONDS)
    assert compiled == [{"fullgraph": True, "dynamic": False}]
    steps = [event.step for event in events[: events.index(told)] if isinstance(event, Stepped)]
    assert steps == list(range(1, 11))  # nothing stays unread over the pause


@pytest.fixture
def pays(monkeypatch):
    """As on a GPU where compiling pays; lends the list of the functions that were compiled."""
    compiled = []
    monkeypatch.setattr("nextword.train.steps.seconds_saved", lambda device, seconds, left: 1.0)
    monkeypatch.setattr("nextword.train.trainer.can_compile", lambda device: True)
    monkeypatch.setattr("torch.compile", lambda function, **how: compiled.append(function) or function)
    return compiled


def test_what_is_measured_are_the_steps_alone(config, monkeypatch):
    """Neither validation nor who listens, nor a step that happened to take long."""
    clock, asked = [0.0], []
    monkeypatch.setattr("nextword.train.steps.time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr("nextword.train.steps.seconds_saved", lambda device, seconds, left: asked.append(seconds) or 0)
    trainer = Trainer(config)
    backward = trainer._steps._backward

    def slow():
        clock[0] += 50.0 if trainer.step in (0, 6) else 1.0
        return backward()

    trainer._steps._backward = slow
    for event in trainer.run():
        clock[0] += 1000.0 if isinstance(event, Validated) else 100.0
    assert asked == [1.0]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_where_compiling_fails_training_goes_on_as_if_it_had_not_been_tried(config, pays, monkeypatch, accumulate):
    """Even if it fails in the middle of a step, with a gradient made and random numbers drawn."""
    config = replace(config, accumulate=accumulate, dtype="bfloat16", steps=14)
    eager = replace(config, out=f"{config.out}-eager")
    tried = []

    def compile(function, **how):
        def compiled(x, y):
            tried.append(1)
            if len(tried) < accumulate:
                return function(x, y)
            function(x, y).backward()
            raise RuntimeError("no kernel image\nand much more")

        return compiled

    monkeypatch.setattr("torch.compile", compile)
    events = train(late(config))
    (warning,) = of(events, Warned)
    assert warning.message == (
        "The model could not be compiled; training goes on without that (RuntimeError: no kernel image)."
    )
    assert len(tried) == accumulate  # once, and never again
    monkeypatch.setattr("nextword.train.steps.seconds_saved", lambda device, seconds, left: 0.0)
    train(late(eager))
    assert state(Path(config.out)) == state(Path(eager.out))


def test_an_error_that_is_not_the_compilers_is_not_hidden(config, pays, monkeypatch):
    def compile(function, **how):
        calls = []

        def compiled(x, y):
            calls.append(1)
            if len(calls) == 2:
                raise RuntimeError("the cable came out")
            return function(x, y)

        return compiled

    monkeypatch.setattr("torch.compile", compile)
    with pytest.raises(RuntimeError, match="the cable came out"):
        train(late(config))


def test_a_run_that_was_compiled_resumes_compiled(config, pays):
    config = replace(config, steps=24)
    train(late(config), until=15)
    assert len(pays) == 1
    assert json.loads((newest(Path(config.out)) / "progress.json").read_text())["compiled_from"] == 10
    events = train(late(config, resume=True))
    assert len(pays) == 2  # and not once more ten steps later
    (told,) = of(events, Compiling)
    assert (told.step, told.saves) == (16, None)
    assert events.index(told) < events.index(of(events, Stepped)[0])
    assert json.loads((newest(Path(config.out)) / "progress.json").read_text())["compiled_from"] == 10


def test_a_run_that_was_compiled_and_cannot_be_here(config, pays, monkeypatch):
    train(late(config), until=10)
    monkeypatch.setattr("nextword.train.steps.seconds_saved", lambda device, seconds, left: 0.0)
    monkeypatch.setattr("nextword.train.trainer.can_compile", lambda device: False)
    events = train(Trainer(config, resume=True))
    (warning,) = of(events, Warned)
    assert warning.message == (
        "From step 10 on this run was compiled, which cannot be done here: "
        "the rest of this run may differ in its last digits."
    )
    assert not of(events, Compiling)


def test_progress_written_before_compiling_was_recorded(stopped):
    path = newest(Path(stopped.out))
    said = json.loads((path / "progress.json").read_text())
    del said["compiled_from"]
    (path / "progress.json").write_text(json.dumps(said))
    (path / "manifest.json").write_text(json.dumps(rewritten(path)))
    events = train(Trainer(stopped, resume=True))
    assert not of(events, Warned)
    assert len(log(Path(stopped.out))) == 13


def rewritten(path):
    """A manifest for the files as they are now."""
    files = json.loads((path / "manifest.json").read_text())
    for name in files:
        files[name] = {"size": (path / name).stat().st_size, "sha256": sha256(path / name)}
    return files
