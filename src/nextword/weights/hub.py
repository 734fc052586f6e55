"""The official weights, from the Hugging Face hub: downloaded once, then used without a network."""

import os
from pathlib import Path

from nextword.errors import WeightsError
from nextword.weights.huggingface import weight_files
from nextword.weights.huggingface_config import CONFIG

REPOSITORIES = {name: f"openai-community/{name}" for name in ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")}
"""What each official model is called, and where on the hub it is."""

FILES = [CONFIG, "*.safetensors", "*.safetensors.index.json"]
TIMEOUT = 10.0  # seconds that the hub may take to answer


def fetch(name: str) -> Path:
    """Return the local directory of an official model, downloaded unless it is in the cache.

    name: one of `REPOSITORIES`. The cache is huggingface_hub's (HF_HOME moves
    it); a download that was interrupted goes on where it stopped; a model that
    is complete in the cache is used without asking the network. Raises
    WeightsError for another name, and where the download fails.
    """
    if name not in REPOSITORIES:
        raise WeightsError(f"{name!r} is no official model: there are {', '.join(REPOSITORIES)}.")
    repository = REPOSITORIES[name]
    found = find_cached(repository)
    if found is not None and is_complete(found):
        return found
    # Imported here, because whoever has the weights need not wait for it.
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        cached = Path(snapshot_download(repository, allow_patterns=FILES, local_files_only=True))
        if is_complete(cached):
            return cached
    except LocalEntryNotFoundError:
        pass  # never downloaded
    try:
        # Ask with a time limit first: snapshot_download has none, and waits where a network swallows all.
        HfApi().model_info(repository, timeout=TIMEOUT)
        return Path(snapshot_download(repository, allow_patterns=FILES, etag_timeout=TIMEOUT))
    except Exception as error:  # every HTTP library that huggingface_hub has used fails in its own way
        reason = (str(error).splitlines() or [""])[0].rstrip(".")
        raise WeightsError(
            f"{name} is not, or not wholly, in the cache ({constants.HF_HUB_CACHE}), "
            f"and downloading {repository} failed ({type(error).__name__}: {reason}). "
            "Connect to the internet once, after which no network is needed, "
            "or give the path of a directory that holds the weights."
        ) from error


def find_cached(repository: str) -> Path | None:
    """Find huggingface_hub's newest download of a model; None if there is none.

    Source: huggingface_hub's guide "Understand caching".
    """
    folder = cache_directory() / f"models--{repository.replace('/', '--')}"
    try:
        commit = (folder / "refs" / "main").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return folder / "snapshots" / commit


def cache_directory() -> Path:
    """Return huggingface_hub's cache, by its environment variables.

    Raises WeightsError where that is in the home directory, and there is none.
    """
    home = os.getenv("HF_HOME", os.path.join(os.getenv("XDG_CACHE_HOME", "~/.cache"), "huggingface"))
    cache = os.getenv("HF_HUB_CACHE", os.getenv("HUGGINGFACE_HUB_CACHE", os.path.join(home, "hub")))
    found = os.path.expandvars(os.path.expanduser(cache))
    if found.startswith("~"):
        raise WeightsError(
            "There is no home directory to keep the official weights in (HOME is not set). "
            "Name a folder for them: export HF_HOME=/path/to/folder, or give the path of a directory that has some."
        )
    return Path(found)


def is_complete(directory: Path) -> bool:
    """Whether a model's configuration and all its weight files are there."""
    try:
        weight_files(directory)
    except WeightsError:
        return False
    return (directory / CONFIG).is_file()
