"""The recipes for clusters are well formed, and ask for flags that there are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from nextword.cli.train import Arguments

PAGE = (Path(__file__).parents[2] / "docs" / "many_processes.md").read_text()
TORCHRUN = {"nnodes", "nproc-per-node", "rdzv-backend", "rdzv-endpoint", "rdzv-id", "rdzv-conf", "max-restarts"}


def test_the_manifests_are_yaml_of_the_right_form():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    kubernetes, sky = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
    replicas = kubernetes["spec"]["pytorchReplicaSpecs"]
    assert (kubernetes["kind"], replicas["Master"]["replicas"], replicas["Worker"]["replicas"]) == ("PyTorchJob", 1, 3)
    (container,) = replicas["Worker"]["template"]["spec"]["containers"]
    assert "--nnodes 4 --nproc-per-node 8" in container["args"][0]
    assert sky["num_nodes"] == 2
    assert "torchrun" in sky["run"]


def test_what_follows_torchrun_exists():
    ours = {field.name for field in fields(Arguments)}
    commands = re.findall(r"torchrun (--nnodes.*?-m nextword train[^\n]*)", PAGE, re.DOTALL)
    assert len(commands) >= 4
    for command in commands:
        torchrun, _, train = command.partition("-m nextword train")
        assert set(re.findall(r"--([a-z-]+)", torchrun)) <= TORCHRUN
        assert {flag.replace("-", "_") for flag in re.findall(r"--([a-z-]+)", train)} <= ours
