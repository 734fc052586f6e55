"""The official weights, from the Hugging Face hub: downloaded once, then used without a network."""

from pathlib import Path

from nextword.errors import WeightsError
from nextword.weights.huggingface import CONFIG, weight_files

REPOSITORIES = {name: f"openai-community/{name}" for name in ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")}
"""What each official model is called, and where on the hub it is."""

FILES = [CONFIG, "*.safetensors", "*.safetensors.index.json"]
TIMEOUT = 10.0  # seconds that the hub may take to answer


def fetch(name: str) -> Path:
    """The local directory of an official model, downloaded unless it is in the cache.

    name: one of `REPOSITORIES`. The cache is huggingface_hub's (HF_HOME moves
    it); a download that was interrupted goes on where it stopped; a model that
    is complete in the cache is used without asking the network. Raises
    WeightsError for another name, and where the download fails.
    """
    if name not in REPOSITORIES:
        raise WeightsError(f"{name!r} is no official model: there are {', '.join(REPOSITORIES)}.")
    # Imported here, because loading from a directory need not wait for it.
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    repository = REPOSITORIES[name]
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


def is_complete(directory: Path) -> bool:
    """Whether a model's configuration and all its weight files are there."""
    try:
        weight_files(directory)
    except WeightsError:
        return False
    return (directory / CONFIG).is_file()
