"""Several processes train one model as one process would, and end together."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from train.runs import TINY, log, losses, of, train

from nextword.errors import SettingError
from nextword.train import TrainConfig, Trainer
from nextword.train.events import Finished
from nextword.train.plan import plan
from nextword.train.ranks import ALONE

BEGINNING = f"""
import json, os, sys
from dataclasses import replace
from pathlib import Path
import nextword.train.config, nextword.train.trainer
from nextword.config import CONFIGS, GPTConfig
nextword.train.config.CONFIGS = {{**CONFIGS, "tiny": {TINY!r}}}
nextword.train.trainer.plot_loss = lambda *arguments: None
nextword.train.trainer.SAMPLE_TOKENS = 8
import torch
from nextword.errors import FollowedError, TrainingError
from nextword.train import TrainConfig, Trainer
from nextword.train.events import Stepped
from nextword.train.followers import Follower
from nextword.train.ranks import joined

def trainer_of(ranks, config, resume=False):
    return Trainer(config, resume=resume, ranks=ranks) if ranks.leads else Follower(ranks)

given = json.loads(sys.argv[1])
given["data"] = tuple(given["data"])
config = TrainConfig(**given)
"""


def in_ranks(count: int, folder: Path, config: TrainConfig, code: str) -> dict[int, dict[str, str]]:
    """Run code in several ranks, with `config` there; return what each printed, as {"out": ..., "err": ...}.

    The launcher finds a port by itself, and ends all where one fails.
    """
    settings = {name: value for name, value in vars(config).items()}
    specs = DefaultLogsSpecs(log_dir=str(folder / "logs"), redirects=Std.ALL)
    launch = LaunchConfig(
        1, 1, count, rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=0, logs_specs=specs
    )
    os.environ["OMP_NUM_THREADS"] = "1"
    elastic_launch(launch, sys.executable)("-c", BEGINNING + code, json.dumps(settings))
    found: dict[int, dict[str, str]] = {}
    for file in (folder / "logs").rglob("std*.log"):
        found.setdefault(int(file.parent.name), {})[file.stem.removeprefix("std")] = file.read_text()
    return found


@pytest.fixture(autouse=True)
def threads_and_signals():
    """Leave this process as it was: the launcher handles signals, and says how many threads there are to be."""
    import signal

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    threads = os.environ.get("OMP_NUM_THREADS")
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    os.environ.pop("OMP_NUM_THREADS")
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = threads


def test_two_ranks_train_as_one_process_does_and_any_number_goes_on(config, tmp_path):
    """Without dropout, which each rank draws for itself, the runs differ by how sums are rounded."""
    config = replace(config, dropout=0.0, batch_size=4)
    whole = Trainer(replace(config, out=str(tmp_path / "one")))
    expected = losses(train(whole))
    code = """
with joined("cpu") as ranks:
    # The second rank is asked to stop, as a machine is that is about to be taken away.
    trainer = trainer_of(ranks, config)
    for event in trainer.run():
        if isinstance(event, Stepped) and event.step == 4 and not ranks.leads:
            trainer.stop()
    print(event.step, event.complete)
    trainer = trainer_of(ranks, config, resume=True)
    for event in trainer.run():
        if isinstance(event, Stepped) and event.step == 8 and ranks.leads:
            trainer.stop()
    model = trainer.setup.model if ranks.leads else trainer._steps._setup.model
    print(event.step, sum(p.double().sum().item() for p in model.parameters()))
"""
    said = in_ranks(2, tmp_path, config, code)
    stopped, stopped_again = said[0]["out"].splitlines()
    assert stopped == "6 False"  # the step after the one in which it was told
    assert stopped_again.startswith("10 ")
    assert said[1]["out"] == said[0]["out"]  # both have the same weights, to the last bit
    assert [line["step"] for line in log(Path(config.out))] == list(range(11))  # each once
    # What two ranks left, one process finishes.
    events = train(Trainer(config, resume=True))
    assert of(events, Finished)[-1].complete
    found = [line["train_loss"] for line in log(Path(config.out))[1:]]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=1e-5)


def test_four_ranks_go_on_with_a_run_of_one(config, tmp_path):
    config = replace(config, dropout=0.0, batch_size=2, accumulate=4)
    expected = losses(train(Trainer(replace(config, out=str(tmp_path / "one")))))
    train(Trainer(config), until=7)
    code = """
with joined("cpu") as ranks:
    for event in trainer_of(ranks, config, resume=True).run():
        pass
"""
    in_ranks(4, tmp_path, config, code)
    found = [line["train_loss"] for line in log(Path(config.out))[1:]]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=1e-5)


def test_gradients_of_two_ranks_are_those_of_one_with_the_whole_batch(config, tmp_path):
    code = """
import os
with joined("cpu") as ranks:
    trainer = trainer_of(ranks, config)
    steps = trainer._steps
    loss = steps._backward()
    if ranks.leads:
        torch.save(steps._working.gradients(), Path(config.out).with_suffix(".pt"))
    print(float(ranks.gather(loss[None]).sum()))
"""
    for accumulate in (1, 3):
        now = replace(config, dropout=0.0, batch_size=4, accumulate=accumulate, out=str(tmp_path / f"run{accumulate}"))
        said = in_ranks(2, tmp_path, now, code)
        one = Trainer(now)
        loss = one._steps._backward()
        found = torch.load(tmp_path / f"run{accumulate}.pt")
        for gradient, expected in zip(found, one._steps._working.gradients(), strict=True):
            torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-6)
        assert float(said[0]["out"]) == pytest.approx(loss.item(), abs=1e-6)


def test_a_loss_that_is_not_finite_ends_all_and_names_its_rank(config, tmp_path):
    code = """
with joined("cpu") as ranks:
    trainer = trainer_of(ranks, config)
    if ranks.rank == 1:
        compute = trainer._steps._compute_loss
        trainer._steps._compute_loss = lambda x, y: compute(x, y) * (float("nan") if trainer._state.step == 3 else 1.0)
    try:
        for event in trainer.run():
            pass
    except (TrainingError, FollowedError) as error:
        print(type(error).__name__, error)
"""
    said = in_ranks(2, tmp_path, replace(config, batch_size=4), code)
    assert said[0]["out"].startswith("TrainingError On rank 1 of 2: The loss is nan at step 4")
    assert said[1]["out"].startswith("FollowedError")


def test_a_mistake_is_told_once(config, tmp_path):
    code = """
with joined("cpu") as ranks:
    try:
        trainer_of(ranks, config)
    except (ValueError, FollowedError) as error:
        print(type(error).__name__, error)
"""
    said = in_ranks(2, tmp_path, replace(config, batch_size=3), code)
    assert said[0]["out"].startswith("SettingError batch_size 3 windows")
    assert said[1]["out"].startswith("FollowedError")


def test_windows_are_shared_evenly_or_it_is_said_what_would_be() -> None:
    config = TrainConfig(data=("a.txt",))
    assert plan(config, TINY, 10**6, n_ranks=1).batch_size == 16
    assert plan(config, TINY, 10**6, n_ranks=3).batch_size == 18
    assert plan(replace(config, accumulate=3), TINY, 10**6, n_ranks=3).batch_size == 16
    assert plan(replace(config, batch_size=2, accumulate=4), TINY, 10**6, n_ranks=8).batch_size == 2
    with pytest.raises(SettingError, match=r"use `batch_size=6`"):
        plan(replace(config, batch_size=4), TINY, 10**6, n_ranks=3)


def test_alone_nothing_is_sent() -> None:
    assert ALONE.leads and not ALONE.several
    assert ALONE.tell("said") == "said"
    assert ALONE.said_by(0, "said") == "said"
    assert ALONE.share(4) == range(4)
    assert ALONE.gather(torch.ones(2)).shape == (1, 2)
