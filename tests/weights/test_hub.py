"""No test here needs a network, and none uses one."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import LocalEntryNotFoundError

from nextword.errors import WeightsError
from nextword.weights import fetch, hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, on a machine without a network."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def fill(cache: Path, name: str, model: Path) -> Path:
    """Put a model where huggingface_hub would have put it."""
    repository = cache / f"models--openai-community--{name}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    return Path(shutil.copytree(model, repository / "snapshots" / COMMIT))


@pytest.mark.parametrize("name", hub.REPOSITORIES)
def test_the_cache_is_used_without_a_network(name, cache, saved_reference, monkeypatch):
    snapshot = fill(cache, name, saved_reference)
    assert Path(huggingface_hub.snapshot_download(hub.REPOSITORIES[name], local_files_only=True)) == snapshot
    monkeypatch.setattr(huggingface_hub, "snapshot_download", None)  # nor is huggingface_hub asked
    assert fetch(name) == snapshot


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"XDG_CACHE_HOME": "/x"},
        {"HF_HOME": "~/hf"},
        {"HF_HOME": "$XDG_CACHE_HOME/hf", "XDG_CACHE_HOME": "/x"},
        {"HUGGINGFACE_HUB_CACHE": "$HOME/old", "HF_HOME": "/h"},
        {"HF_HUB_CACHE": "~/new", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HOME": "/h"},
    ],
)
def test_the_cache_is_where_huggingface_hub_has_it(variables, tmp_path):
    code = (
        "from nextword.weights.hub import cache_directory; from pathlib import Path; import sys\n"
        "ours = cache_directory(); assert 'huggingface_hub' not in sys.modules\n"
        "from huggingface_hub.constants import HF_HUB_CACHE as theirs; assert ours == Path(theirs), (ours, theirs)"
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "XDG_"))}
    environment = kept | {"HOME": str(tmp_path)} | variables
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_network_and_cache_one_line_says_what_to_do(cache):
    with pytest.raises(WeightsError) as error:
        fetch("gpt2-medium")
    message = str(error.value)
    assert message.startswith(
        f"gpt2-medium is not, or not wholly, in the cache ({cache}), "
        "and downloading openai-community/gpt2-medium failed (OfflineModeIsEnabled: "
    )
    assert "HF_HUB_OFFLINE" in message
    assert "Connect to the internet once" in message
    assert message.endswith("or give the path of a directory that holds the weights.")
    assert "\n" not in message


@pytest.mark.parametrize("lost", ["config.json", "model.safetensors"])
def test_half_a_model_in_the_cache_is_not_taken_for_a_whole_one(lost, cache, saved_reference):
    (fill(cache, "gpt2", saved_reference) / lost).unlink()
    with pytest.raises(WeightsError, match="gpt2 is not, or not wholly, in the cache"):
        fetch("gpt2")


def test_a_network_that_swallows_everything_is_given_up(cache, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(hub, "TIMEOUT", 0.3)
        start = time.monotonic()
        with pytest.raises(WeightsError, match=r"downloading openai-community/gpt2 failed .*[Tt]ime"):
            fetch("gpt2")
        assert time.monotonic() - start < 5


def test_what_is_downloaded(cache, monkeypatch, saved_reference):
    calls = []

    def snapshot_download(repository, *, allow_patterns, local_files_only=False, **_):
        calls.append((repository, allow_patterns, local_files_only))
        if local_files_only:
            raise LocalEntryNotFoundError("nothing yet")
        return str(saved_reference)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(HfApi, "model_info", lambda self, repository, timeout: None)
    assert fetch("gpt2-xl") == saved_reference
    files = ["config.json", "*.safetensors", "*.safetensors.index.json"]  # no pickles, no other frameworks'
    assert calls == [("openai-community/gpt2-xl", files, True), ("openai-community/gpt2-xl", files, False)]


def test_other_names(cache):
    with pytest.raises(
        WeightsError, match="'gpt3' is no official model: there are gpt2, gpt2-medium, gpt2-large, gpt2-xl"
    ):
        fetch("gpt3")
