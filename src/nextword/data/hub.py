"""Data sets of the Hugging Face hub by name, as streams. Needs the package `datasets`."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nextword.commands import quoted
from nextword.data.files import file_at
from nextword.data.packed import INSTALL
from nextword.data.rows import Row
from nextword.errors import DataError

PREFIX = "hub:"
NAME = re.compile(r"(?P<path>[^:@]+)(?::(?P<split>[^:@]+))?(?:@(?P<revision>[^:@]+))?")
KIND = "a data set of the hub"
CARD = ("README.md", ".gitattributes")


@dataclass(frozen=True)
class HubDataset:
    """A split of a data set, in a repository at a commit, or in a folder."""

    name: str
    path: str
    config: str | None
    split: str
    commit: str | None

    def sha256(self) -> bytes:
        """Identify the data: by the commit, or for a folder by its files."""
        digest = hashlib.sha256(f"{self.config}:{self.split}@{self.commit}".encode())
        if self.commit is None:
            files = sorted(path for path in Path(self.path).rglob("*") if path.is_file())
            for path in files:
                digest.update(file_at(path).sha256())
        return digest.digest()

    def rows(self, field: str | None = None) -> Iterator[Row]:
        """Stream the records with their numbers, from the first one.

        Of each only the column of a field's path is there, if that is given.
        """
        from datasets import load_dataset

        revision = self.commit if not os.path.isdir(self.path) else None
        try:
            data = load_dataset(self.path, self.config, split=self.split, revision=revision, streaming=True)
            if field is not None and data.column_names:
                whole = field in data.column_names
                data = data.select_columns([field if whole else field.partition(".")[0]])
            yield from enumerate(data, 1)
        except Exception as error:  # of `datasets`, of what reads its files, of the network: each fails in its own way
            raise DataError(f"{self.name}: {_said(error)} Expected {EXPECTED}.") from error


EXPECTED = "hub:OWNER/NAME, hub:OWNER/NAME/CONFIG, and after it perhaps :SPLIT and @REVISION"


def find_dataset(source: str) -> HubDataset:
    """Find `hub:owner/name[/config][:split][@revision]`, or `hub:` and a folder that is laid out like one.

    What is asked of the hub is the commit alone; offline, the data is looked for in its cache. Raises DataError
    with what to do where it is not there, or `datasets` is not installed.
    """
    found = NAME.fullmatch(source.removeprefix(PREFIX))
    if found is None:
        raise DataError(f"{source}: no name of a data set. Expected {EXPECTED}.")
    if find_spec("datasets") is None:
        raise DataError(f"{source}: this is {KIND}. {INSTALL}")
    path, split, revision = os.path.expanduser(found["path"]), found["split"] or "train", found["revision"]
    if os.path.isdir(path):
        if revision is not None:
            raise DataError(f"{source}: {path} is a folder, which has no revisions. Leave out @{revision}.")
        return HubDataset(source, path, None, split, None)
    owner, _, rest = path.partition("/")
    name, _, config = rest.partition("/")
    if not owner or not name or owner in (".", ".."):
        raise DataError(f"{source}: no such folder, and no name of a data set. Expected {EXPECTED}.")
    repository = f"{owner}/{name}"
    where, commit = _located(source, repository, revision)
    return HubDataset(source, where, config or None, split, commit)


def dataset_name(source: str) -> str:
    """Take the name of its own out of a data set's: `TinyStories` of `hub:roneneldan/TinyStories:train`."""
    path = source.removeprefix(PREFIX).partition(":")[0].partition("@")[0]
    return path if os.path.isdir(path) or path.count("/") == 0 else path.split("/")[1]


def _located(source: str, repository: str, revision: str | None) -> tuple[str, str]:
    """Find a repository's name and commit on the hub, or its folder and commit in the cache."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return repository, str(HfApi().dataset_info(repository, revision=revision, timeout=10).sha)
    except HfHubHTTPError as error:
        if error.response is not None and error.response.status_code < 500:
            at = f" at {revision}" if revision else ""
            raise DataError(
                f"{source}: the hub does not show a data set {repository}{at} "
                f"(HTTP {error.response.status_code}). Look for its name at huggingface.co/datasets, or log in."
            ) from error
        reason = f"HTTP {error.response.status_code}" if error.response is not None else _said(error)
    except OfflineModeIsEnabled:
        reason = "HF_HUB_OFFLINE is set"
    except Exception as error:  # of the network; which classes they have depends on the version of huggingface_hub
        reason = type(error).__name__
    try:
        folder = snapshot_download(repository, repo_type="dataset", revision=revision, local_files_only=True)
        if not any(path.is_file() and path.name not in CARD for path in Path(folder).rglob("*")):
            raise LocalEntryNotFoundError("only its card is there, as streaming leaves it")
    except (LocalEntryNotFoundError, OSError, ValueError) as error:
        fetch = f"hf download --repo-type dataset {quoted(repository)}"
        raise DataError(
            f"{source}: the hub cannot be reached ({reason}), and the data set is not in its cache. "
            f"With a network, fetch it: {fetch}"
        ) from error
    return folder, Path(folder).name


def _said(error: Any) -> str:
    first = " ".join(str(error).split("\n\n")[0].split()).rstrip(".")
    return f"{first or type(error).__name__}."  # the rest of such a message is often a list of all files
