"""Data sets of the hub: from a folder in its layout, from its cache, and what is said without either."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nextword.data import Reading, hub, open_corpus
from nextword.errors import DataError

COMMIT = "f" * 40
TEXTS = [f"It is story {n}." for n in range(9)]


def lay_out(folder: Path) -> Path:
    """A data set as the hub has it, with two splits."""
    import pyarrow
    import pyarrow.parquet

    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: mit\n---\nStories.\n")
    for split, texts in (("train", TEXTS), ("validation", TEXTS[:2])):
        table = pyarrow.table({"id": range(len(texts)), "text": texts})
        pyarrow.parquet.write_table(table, folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the hub's with one data set in it, and no network."""
    from huggingface_hub import constants

    root = tmp_path / "cache" / "datasets--someone--Tales"
    lay_out(root / "snapshots" / COMMIT)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_a_folder_in_the_layout_of_the_hub(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "Tales")
    opened = open_corpus(f"hub:{folder}")
    assert [*opened.documents()] == [*opened.documents()] == TEXTS
    assert opened.name == "Tales"
    assert "the column 'text' is the text, the only one that may be it" in opened.account[-1]
    other = open_corpus(f"hub:{folder}:validation", Reading(field="text"))
    assert [*other.documents()] == TEXTS[:2]
    assert other.sha256 != opened.sha256 == open_corpus(f"hub:{folder}").sha256
    with pytest.raises(DataError, match=r"^hub:.*:test: .*test.* Expected hub:OWNER/NAME"):
        open_corpus(f"hub:{folder}:test")


def test_from_the_cache_without_a_network(offline: Path) -> None:
    opened = open_corpus("hub:someone/Tales")
    assert [*opened.documents()] == TEXTS
    assert opened.name == "Tales"
    assert open_corpus(f"hub:someone/Tales:train@{COMMIT}").sha256 == opened.sha256


def test_neither_in_the_cache_nor_reachable(offline: Path) -> None:
    root = offline / "cache" / "datasets--someone--Else"  # whoever streamed it has its card alone
    (root / "snapshots" / COMMIT).mkdir(parents=True)
    (root / "snapshots" / COMMIT / "README.md").write_text("About")
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(COMMIT)
    with pytest.raises(DataError) as error:
        open_corpus("hub:someone/Else")
    assert str(error.value) == (
        "hub:someone/Else: the hub cannot be reached (HF_HUB_OFFLINE is set), and the data set is not in its cache. "
        "With a network, fetch it: hf download --repo-type dataset someone/Else"
    )


@pytest.mark.parametrize("source", ["hub:", "hub:a:b:c", "hub:one", "hub:./gone"])
def test_what_is_no_name(source: str) -> None:
    with pytest.raises(DataError, match=r"no name of a data set\. Expected hub:OWNER/NAME"):
        open_corpus(source)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'nextword\[data\]'"):
        open_corpus("hub:someone/Tales")


def test_what_is_asked_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no network here: the two functions that ask it are told what they would answer."""
    import datasets
    import huggingface_hub

    asked: list[tuple[Any, ...]] = []

    def info(self: Any, repository: str, revision: str | None, timeout: float) -> Any:
        asked.append((repository, revision))
        return SimpleNamespace(sha=COMMIT)

    def load(path: str, config: str | None, **options: Any) -> Any:
        asked.append((path, config, options["split"], options["revision"], options["streaming"]))
        return datasets.Dataset.from_dict({"id": [1, 2], "text": TEXTS[:2]}).to_iterable_dataset()

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", info)
    monkeypatch.setattr(datasets, "load_dataset", load)
    opened = open_corpus("hub:someone/Tales/short:test@v2")
    assert [*opened.documents()] == TEXTS[:2]
    assert asked[:2] == [("someone/Tales", "v2"), ("someone/Tales", "short", "test", COMMIT, True)]


def test_a_data_set_that_the_hub_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    def info(self: Any, repository: str, **options: Any) -> Any:
        error = HfHubHTTPError.__new__(HfHubHTTPError)
        error.response = SimpleNamespace(status_code=404)
        raise error

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", info)
    with pytest.raises(DataError) as error:
        open_corpus("hub:someone/Tales@v3")
    assert str(error.value) == (
        "hub:someone/Tales@v3: the hub does not show a data set someone/Tales at v3 (HTTP 404). "
        "Look for its name at huggingface.co/datasets, or log in."
    )
