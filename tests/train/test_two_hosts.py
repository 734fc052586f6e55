"""Two hosts train one model: network namespaces with a cable between them, a folder and a name each."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from train.runs import TEXT, log

from nextword.cli.main import run

FLAGS = (
    "train --data ferry.txt --tokenizer bytes --n-layer 1 --n-head 2 --n-embd 8 --n-ctx 16 --window 16 --batch-size 4 "
    "--steps 100000 --eval-every 100000 --schedule constant --warmup 0 --dropout 0 --dtype float32 --device cpu "
    "--out run"
)
PROGRAM = """
import sys
from nextword.cli.main import run
from nextword.train import heartbeat
heartbeat.EVERY, heartbeat.SILENT = 0.5, 4.0
sys.exit(run(sys.argv[1:]))
"""
PORT = 29417  # each pair of hosts has a network of its own


@dataclass
class Host:
    """A namespace, the folder where its programs run, and torchrun there."""

    name: str
    address: str
    folder: Path
    launcher: "subprocess.Popen[str] | None" = None

    def launch(self, first: "Host", flags: str = FLAGS) -> None:
        (self.folder / "program.py").write_text(PROGRAM)
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
        torchrun += ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"{first.address}:{PORT}", "--rdzv-id", "job"]
        torchrun += ["--rdzv-conf", f"is_host={str(self is first).lower()}", "--local-addr", self.address]
        renamed = ["unshare", "-u", "sh", "-c", f'hostname {self.name}; exec "$@"', "sh"]
        self.launcher = subprocess.Popen(
            ["ip", "netns", "exec", self.name, *renamed, *torchrun, "program.py", *flags.split()],
            cwd=self.folder,
            env=os.environ | {"GLOO_SOCKET_IFNAME": f"{self.name}v", "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def ended(self, seconds: float) -> str:
        """Wait for torchrun to end, and return what it said."""
        assert self.launcher is not None
        return self.launcher.communicate(timeout=seconds)[0]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    if shutil.which("ip") is None or shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    pair = [Host(f"nw{os.getpid()}{letter}", f"10.77.1.{n}", tmp_path / letter) for n, letter in ((1, "a"), (2, "b"))]
    try:
        try:
            for host in pair:
                host.folder.mkdir()
                ip("netns", "add", host.name)
            first, second = pair
            ip("link", "add", f"{first.name}v", "netns", first.name, "type", "veth")
            cable = json.loads(subprocess.check_output(["ip", "-n", first.name, "-j", "link"]))
            other = next(link["ifname"] for link in cable if link["ifname"] not in ("lo", f"{first.name}v"))
            ip("-n", first.name, "link", "set", other, "netns", second.name, "name", f"{second.name}v")
            for host in pair:
                ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", f"{host.name}v")
                ip("-n", host.name, "link", "set", f"{host.name}v", "up")
                ip("-n", host.name, "link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this system lends no network namespaces ({error.stderr})")
        yield pair[0], pair[1]
    finally:
        for host in pair:
            if host.launcher is not None:
                with suppress(OSError):
                    os.killpg(host.launcher.pid, signal.SIGKILL)
                pids = subprocess.run(["ip", "netns", "pids", host.name], capture_output=True, text=True).stdout.split()
                for pid in pids:
                    with suppress(OSError):
                        os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True)


def launch(hosts: tuple[Host, Host]) -> None:
    """Start both, with the text on the first alone, and wait until they have made some steps."""
    (hosts[0].folder / "ferry.txt").write_text(TEXT)
    for host in hosts:
        host.launch(hosts[0])
    wait_for(lambda: len(steps_of(hosts[0])) > 5, hosts)


def steps_of(host: Host) -> list[str]:
    file = host.folder / "run" / "log.jsonl"
    return file.read_text().splitlines() if file.exists() else []


def wait_for(is_so: Callable[[], bool], hosts: Sequence[Host]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        for host in hosts:
            assert host.launcher is not None
            assert host.launcher.poll() is None, host.launcher.communicate()[0]
        time.sleep(0.2)


def test_two_hosts_train_as_one_and_a_signal_on_one_saves(hosts, monkeypatch):
    """As on a machine that is about to be taken away: SIGTERM reaches the second host only."""
    first, second = hosts
    launch(hosts)
    assert first.launcher is not None
    assert second.launcher is not None
    os.kill(second.launcher.pid, signal.SIGTERM)
    second.ended(60)
    wait_for(lambda: list((first.folder / "run" / "checkpoints").glob("step-????????")) != [], hosts[:1])
    os.killpg(first.launcher.pid, signal.SIGKILL)  # torchrun itself waits five minutes for the other one to come back
    found = log(first.folder / "run")
    assert f"Stopped at step {len(found) - 1}." in first.ended(60)
    assert not (second.folder / "run").exists()
    monkeypatch.chdir(first.folder)
    assert run([*FLAGS.replace("--steps 100000", f"--steps {len(found) - 1}").split(), "--out", "one"]) == 0
    losses = [[line["train_loss"] for line in lines[1:7]] for lines in (found, log(first.folder / "one"))]
    torch.testing.assert_close(*map(torch.tensor, losses), rtol=0, atol=1e-5)


def test_a_run_on_the_first_host_alone_is_gone_on_with_by_both(hosts, monkeypatch):
    """--resume, where the second host has neither text nor run; and a repeated SIGTERM still saves."""
    first, second = hosts
    (first.folder / "ferry.txt").write_text(TEXT)
    monkeypatch.chdir(first.folder)
    assert run(FLAGS.replace("--steps 100000", "--steps 3").split()) == 0
    for host in hosts:
        host.launch(first, "train --resume --out run --steps 100000")
    wait_for(lambda: len(steps_of(first)) > 8, hosts)
    assert second.launcher is not None
    for _ in range(2):
        os.kill(second.launcher.pid, signal.SIGTERM)
        time.sleep(0.05)
    second.ended(60)
    saved = first.folder / "run" / "checkpoints"
    wait_for(lambda: int(max(saved.glob("step-????????")).name[5:]) > 3, hosts[:1])
    assert not (second.folder / "run").exists()


def test_a_cut_cable_ends_the_ranks_on_both_sides(hosts):
    first, second = hosts
    launch(hosts)
    ip("-n", first.name, "link", "set", f"{first.name}v", "down")
    assert "Rank 1 of 2 has not been heard of for 4 seconds" in first.ended(60)
    deadline = time.monotonic() + 60
    while (
        len(subprocess.check_output(["ip", "netns", "pids", second.name]).split()) > 1
    ):  # torchrun itself waits for TCP
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert second.launcher is not None
    os.killpg(second.launcher.pid, signal.SIGKILL)
    assert "Rank 1 of 2 has not reached the first machine for" in second.ended(60)
