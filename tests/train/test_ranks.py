"""Several processes train one model as one process would, and end together."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from train.runs import TEXT, TINY, log, losses, of, train

from nextword.errors import SettingError
from nextword.train import TrainConfig, Trainer
from nextword.train.events import Finished
from nextword.train.plan import plan
from nextword.train.ranks import ALONE, joined

BEGINNING = """
import json, os, signal, sys, threading, time
from dataclasses import replace
from pathlib import Path
import torch
import nextword.train.trainer
from nextword.errors import FollowedError, TrainingError
from nextword.train import TrainConfig, Trainer, heartbeat
from nextword.train.events import Stepped
from nextword.train.following_ranks import FollowingRank
from nextword.train.ranks import joined

nextword.train.trainer.plot_loss = lambda *arguments: None
nextword.train.trainer.SAMPLE_TOKENS = 8

def trainer_of(config, resume=False):
    return Trainer(config, resume=resume, ranks=ranks) if ranks.leads else FollowingRank(ranks)

def broken(trainer, change):
    \"\"\"Let something happen to the second rank's loss at step 4.\"\"\"
    compute = trainer._steps._compute_loss
    if ranks.rank == 1:
        trainer._steps._compute_loss = lambda x, y: change(compute(x, y)) if trainer._state.step == 3 else compute(x, y)
    return trainer

given = json.loads(sys.argv[1])
config = TrainConfig(**{**given, "data": tuple(given["data"])})
"""

JOIN = """
joining = joined("cpu")
ranks = joining.__enter__()
"""


def in_ranks(count: int, config: TrainConfig, code: str, restarts: int = 0) -> list[str]:
    """Run code in several ranks, where `config` is, and after JOIN `ranks` and `trainer_of`; return what each printed.

    The launcher finds a port by itself, and ends all where one fails: then AssertionError has what they said.
    """
    folder = Path(str(config.out)).parent / "logs"
    specs = DefaultLogsSpecs(log_dir=str(folder), redirects=Std.ALL)
    options = {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0", "run_id": uuid4().hex, "logs_specs": specs}
    with as_before():
        try:
            launch = elastic_launch(LaunchConfig(1, 1, count, max_restarts=restarts, **options), sys.executable)
            launch("-c", BEGINNING + code, json.dumps(vars(config)))
        except ChildFailedError as error:
            said = [file.read_text() for file in sorted(folder.rglob("stderr.log"))]
            raise AssertionError("\n".join(said)) from error
    return [file.read_text() for file in sorted(folder.rglob("stdout.log"))]


@contextmanager
def as_before() -> Iterator[None]:
    """Leave this process as it was: the launcher handles signals, and the ranks take its number of threads."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    was = dict(os.environ)
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.environ.clear()
        os.environ.update(was)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Twelve steps of four windows, without dropout, which each rank draws for itself."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "ferry.txt").write_text(TEXT)
    return TrainConfig(
        data=(str(folder / "ferry.txt"),),
        tokenizer="bytes",
        out=str(folder / "run"),
        n_layer=2,
        n_head=2,
        n_embd=8,
        n_ctx=32,
        window=16,
        batch_size=4,
        steps=12,
        lr=0.01,
        warmup=3,
        dropout=0.0,
        eval_every=4,
        dtype="float32",
        device="cpu",
    )


def beside(config: TrainConfig, name: str) -> TrainConfig:
    return replace(config, out=str(Path(str(config.out)).with_name(name)))


TWO = """
def attempt(do):
    try:
        for event in do():
            pass
        return event
    except (ValueError, TrainingError, FollowedError) as error:
        return f"{type(error).__name__}: {error}"

def beside(name, **settings):
    return replace(config, out=str(Path(config.out).with_name(name)), **settings)

def gradients(accumulate):
    steps = trainer_of(beside(f"gradients-{accumulate}", accumulate=accumulate))._steps
    steps._backward()
    if ranks.leads:
        torch.save(steps._working.gradients(), Path(config.out).with_name(f"gradients-{accumulate}.pt"))

def stopping(trainer, step, who):
    for event in trainer.run():
        if isinstance(event, Stepped) and event.step == step and ranks.rank == who:
            trainer.stop()
    model = trainer.setup.model if ranks.leads else trainer._steps._setup.model
    return [event.step, event.complete, sum(p.double().sum().item() for p in model.parameters())]

said = {"mistake": attempt(lambda: trainer_of(beside("mistake", batch_size=3)).run())}
gradients(1)
gradients(3)
nan = lambda loss: loss * float("nan")
said["nan"] = attempt(lambda: broken(trainer_of(beside("nan")), nan).run())
said["stopped"] = stopping(trainer_of(config), 4, who=1)
said["again"] = stopping(trainer_of(config, resume=True), 8, who=0)
mars = beside("mars", optimizer="mars")
said["mars stopped"] = stopping(trainer_of(mars), 4, who=0)
said["mars again"] = stopping(trainer_of(mars, resume=True), 9, who=0)
sharded = beside("sharded", shard=True)
said["sharded nan"] = attempt(lambda: broken(trainer_of(replace(sharded, out=sharded.out + "-nan")), nan).run())
said["sharded stopped"] = stopping(trainer_of(sharded), 4, who=1)[:2]
said["sharded again"] = stopping(trainer_of(replace(sharded, recompute=True), resume=True), 8, who=0)[:2]
for name, settings in {"bf16": {}, "bf16-sharded": {"shard": True, "recompute": True}}.items():
    stopping(trainer_of(beside(name, dtype="bfloat16", steps=8, **settings)), 99, who=0)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def two(base: TrainConfig) -> list[dict[str, object]]:
    """What two ranks say of all that they tried, one thing after the other."""
    return [json.loads(said) for said in in_ranks(2, base, JOIN + TWO)]


@pytest.mark.parametrize("accumulate", [1, 3])
def test_gradients_of_two_ranks_are_those_of_one_with_the_whole_batch(base, two, accumulate):
    one = Trainer(beside(replace(base, accumulate=accumulate), f"one-{accumulate}"))
    one._steps._backward()
    found = torch.load(Path(str(base.out)).with_name(f"gradients-{accumulate}.pt"))
    torch.testing.assert_close(found, one._steps._working.gradients(), rtol=0, atol=1e-6)


def test_two_ranks_train_as_one_process_which_may_finish_what_they_began(base, two):
    expected = losses(train(Trainer(beside(base, "one"))))
    # One of them is asked to stop, as a machine is that is about to be taken away; both make the step after.
    assert two[0]["stopped"][:2] == [6, False]
    assert two[0]["again"][:2] == [10, False]
    assert two[0]["stopped"] == two[1]["stopped"]  # the same weights, bit by bit
    assert two[0]["again"] == two[1]["again"]
    assert [line["step"] for line in log(Path(base.out))] == list(range(11))  # each is told once
    assert of(train(Trainer(base, resume=True)), Finished)[-1].complete
    found = [line["train_loss"] for line in log(Path(base.out))[1:]]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=1e-5)


def test_what_another_optimizer_remembers_is_sent_to_all(base, two):
    expected = losses(train(Trainer(beside(replace(base, optimizer="mars"), "mars-one"))))
    found = [line["train_loss"] for line in log(Path(base.out).with_name("mars"))[1:]]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected[: len(found)]), rtol=0, atol=1e-4)
    assert two[0]["mars again"] == two[1]["mars again"]  # the same weights, bit by bit


def test_a_sharded_model_trains_as_a_whole_one_and_one_process_may_finish_what_it_began(base, two):
    config = beside(base, "sharded")
    expected = losses(train(Trainer(beside(base, "whole"))))
    assert two[0]["sharded stopped"] == two[1]["sharded stopped"] == [6, False]
    assert two[0]["sharded again"] == two[1]["sharded again"] == [10, False]
    assert of(train(Trainer(config, resume=True)), Finished)[-1].complete
    found, whole = log(Path(config.out)), log(Path(base.out).with_name("whole"))
    assert [line["step"] for line in found] == list(range(13))
    found, whole = ([line["train_loss"] or line["val_loss"] for line in lines] for lines in (found, whole))
    torch.testing.assert_close(torch.tensor(found), torch.tensor(whole), rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.tensor(whole[1:]), torch.tensor(expected), rtol=0, atol=0)


def test_a_sharded_model_computes_in_bfloat16_as_a_whole_one(base, two):
    found, whole = (log(Path(base.out).with_name(name))[1:] for name in ("bf16-sharded", "bf16"))
    found, whole = ([line["train_loss"] for line in lines] for lines in (found, whole))
    torch.testing.assert_close(torch.tensor(found), torch.tensor(whole), rtol=0, atol=2e-3)  # biases' gradients differ


def test_a_sharded_loss_that_is_not_finite_names_its_rank(two):
    assert two[0]["sharded nan"].startswith("TrainingError: On rank 1 of 2: The loss is nan at step 4")
    assert two[1]["sharded nan"].startswith("FollowedError")


def test_a_mistake_is_told_once(two):
    assert two[0]["mistake"].startswith("SettingError: batch_size 3 windows, accumulated 1 times, cannot be shared")
    assert two[1]["mistake"].startswith("FollowedError")


def test_a_loss_that_is_not_finite_ends_all_and_names_its_rank(two):
    assert two[0]["nan"].startswith("TrainingError: On rank 1 of 2: The loss is nan at step 4")
    assert two[1]["nan"].startswith("FollowedError")


def test_four_ranks_go_on_with_a_run_of_one(base, tmp_path):
    config = replace(base, out=str(tmp_path / "run"), batch_size=2, accumulate=4)
    expected = losses(train(Trainer(replace(config, out=str(tmp_path / "one")))))
    train(Trainer(config), until=7)
    in_ranks(4, config, JOIN + "for event in trainer_of(config, resume=True).run(): pass")
    found = [line["train_loss"] for line in log(Path(config.out))[1:]]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("time.sleep(1000)", "Rank 1 of 2 has hung for 2 seconds, in nextword/train/steps.py, line"),
        ("os.kill(os.getpid(), signal.SIGSTOP)", "Rank 1 of 2 has not been heard of for 2 seconds"),
    ],
)
def test_a_rank_that_does_nothing_more_ends_all(base, tmp_path, does, told):
    code = f"""
heartbeat.EVERY, heartbeat.SILENT, heartbeat.STUCK = 0.2, 2.0, 2.0
for event in broken(trainer_of(config), lambda loss: {does}).run():
    pass
"""
    with pytest.raises(AssertionError, match=told):
        in_ranks(2, replace(base, out=str(tmp_path / "run")), JOIN + code)


def test_torchrun_restarts_a_job_from_its_newest_checkpoint(base, tmp_path):
    """The second rank kills itself after the seventh step, once; the command that is run again is the same."""
    config = replace(base, out=str(tmp_path / "run"))
    code = """
from nextword.cli.main import run
from nextword.train.steps import Steps
launch = Steps.launch
def launch_once(steps):
    if steps._state.step == 7 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return launch(steps)
Steps.launch = launch_once
lengths = "--window 16 --batch-size 4 --steps 12 --lr 0.01 --warmup 3 --dropout 0 --eval-every 4 --save-every 3"
shape = "--tokenizer bytes --n-layer 2 --n-head 2 --n-embd 8 --n-ctx 32 --dtype float32 --device cpu"
sys.exit(run(["train", "--data", *config.data, "--out", config.out, *shape.split(), *lengths.split()]))
"""
    said = in_ranks(2, config, code, restarts=1)
    assert "step    12   saved" in said[-2] + said[-1]
    expected = losses(train(Trainer(replace(config, out=str(tmp_path / "one")))))
    found = [line["train_loss"] for line in log(Path(config.out))[1:]]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=1e-5)


def test_windows_are_shared_evenly_or_it_is_said_what_would_be() -> None:
    config = TrainConfig(data=("a.txt",))
    assert plan(config, TINY, 10**6, n_ranks=1).batch_size == 16
    assert plan(config, TINY, 10**6, n_ranks=3).batch_size == 18
    assert plan(replace(config, accumulate=3), TINY, 10**6, n_ranks=3).batch_size == 16
    assert plan(replace(config, batch_size=2, accumulate=4), TINY, 10**6, n_ranks=8).batch_size == 2
    with pytest.raises(SettingError, match=r"use `batch_size=6`"):
        plan(replace(config, batch_size=4), TINY, 10**6, n_ranks=3)


def test_one_gpu_for_all_processes_is_refused(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("nextword.train.ranks.pick_device", torch.device)
    for device in ("mps", "cuda:1"):
        with pytest.raises(SettingError, match="is one for all processes here"), joined(device):
            pass


def test_alone_nothing_is_sent() -> None:
    assert ALONE.leads
    assert not ALONE.several
    assert ALONE.tell("said") == "said"
    assert ALONE.said_by(0, "said") == "said"
    assert ALONE.share(4) == range(4)
    assert ALONE.gather(torch.ones(2)).shape == (1, 2)
