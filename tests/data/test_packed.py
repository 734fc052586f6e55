"""Compressed files and archives: read as what is in them, and refused in words where they are damaged."""

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from nextword.data import packed, read_corpus
from nextword.data.files import file_of, kept
from nextword.errors import DataError

PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def archive(path: Path, members: dict[str, str], **options: int) -> None:
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, content in members.items():
            file.writestr(name, content)


@pytest.mark.parametrize("suffix", PACK)
def test_packed_parts_one_after_the_other_are_one_text(suffix: str, here: Path) -> None:
    pack = PACK[suffix]
    (here / f"a.txt{suffix}").write_bytes(pack(b"one, ") + pack(b"two"))
    corpus = read_corpus(f"a.txt{suffix}")
    assert (corpus.name, corpus.documents) == ("a", ("one, two",))


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_damage_is_found(suffix: str, damage: str, here: Path) -> None:
    raw = PACK[suffix](b"".join(b"%d words of a text\n" % n for n in range(9999)))
    middle = len(raw) // 2
    raw = (
        raw[:-3]
        if damage == "cut"
        else raw[:middle] + bytes(255 - byte for byte in raw[middle : middle + 9]) + raw[middle + 9 :]
    )
    (here / "a.txt").write_bytes(raw)
    with pytest.raises(DataError) as error:
        read_corpus("a.txt")
    found = str(error.value)
    assert found.startswith("a.txt: a damaged") or (damage == "changed" and found.startswith("a.txt: not UTF-8"))


def test_an_archive_is_read_as_a_folder_is(here: Path) -> None:
    names = ["b/2.txt", "b/1.md", "c.png", "__MACOSX/b/._2.txt", ".hidden.txt", "blank.txt"]
    archive(here / "a.zip", {name: "" if name == "blank.txt" else f"text of {name}" for name in names})
    assert read_corpus("a.zip").documents == ("text of b/2.txt", "text of b/1.md")
    archive(here / "b.zip", {"only.one": "whatever its suffix"})
    assert read_corpus("b.zip").documents == ("whatever its suffix",)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a.png": "x", "b.png": "y"}, "a.zip: an archive without text files: only 2 .png. "),
        ({"a.txt": " "}, "a.zip: an archive without text files: only 1 blank. "),
        ({"a.pdf": "%PDF-1.4 x"}, "a.zip/a.pdf: this is a PDF, and plain text is expected. "),
    ],
)
def test_an_archive_without_text(members: dict[str, str], said: str, here: Path) -> None:
    archive(here / "a.zip", members)
    with pytest.raises(DataError) as error:
        read_corpus("a.zip")
    assert str(error.value).startswith(said)
    assert str(error.value).endswith(": unzip -d a a.zip")


MIXED = {"a.txt": "one", "b.jsonl": '{"text": "two three"}\n'}


def refused(name: str) -> str:
    with pytest.raises(DataError) as error:
        read_corpus(name)
    return str(error.value)


@pytest.mark.parametrize("taken", [False, True])
def test_an_archive_of_texts_and_records_is_to_be_unpacked_first(taken: bool, here: Path) -> None:
    (here / "k").mkdir()
    archive(here / "k/mix.zip", MIXED)
    if taken:
        (here / "k/mix").touch()
    folder = "k/mix.new" if taken else "k/mix"
    found = refused("k/mix.zip")
    assert found == (
        "k/mix.zip: there are texts in it (1 .txt) and more bytes of records (1 .jsonl). "
        f"Patterns look at the disk only, so unpack it first (unzip -d {folder} k/mix.zip). "
        f'Say which of them are meant: "{folder}/**/*.txt" or "{folder}/**/*.jsonl"'
    )
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-q", "-d", folder, "k/mix.zip"], check=True)
        assert read_corpus(f"{folder}/**/*.txt").documents == ("one",)
        assert read_corpus(f"{folder}/**/*.jsonl").documents == ("two three",)


def test_an_archive_from_a_pipe_is_to_be_saved_first(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(here / "mix.zip", MIXED)
    raw = (here / "mix.zip").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert refused("-").endswith("(1 .jsonl). Save it as a file first, and name that.")


def test_an_archive_that_is_cut_off(here: Path) -> None:
    archive(here / "a.zip", {"a.txt": "text"})
    (here / "a.zip").write_bytes((here / "a.zip").read_bytes()[:-30])
    with pytest.raises(DataError, match=r"^a\.zip: a damaged \.zip file"):
        read_corpus("a.zip")


def test_what_is_not_installed_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.zst").write_bytes(zstandard.compress(b"text"))
    monkeypatch.setattr(packed, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'nextword\[data\]'\. Or: Unpack it, .*: zstd -dc a\.zst > a$"):
        read_corpus("a.zst")


def test_a_stream_that_was_kept_has_readers_of_its_own() -> None:
    file = kept("a", io.BytesIO(b"0123456789" * 999))
    with file.open() as one, file.open() as other:
        assert (one.read(3), other.read(5), one.read(3)) == (b"012", b"01234", b"345")
        assert one.seek(-4, io.SEEK_END) == 9986
        assert one.read() == b"6789"
    assert file.sha256() == file_of("b", b"0123456789" * 999).sha256()
