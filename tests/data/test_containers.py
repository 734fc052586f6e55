"""Kinds of files that are no plain text: none is read as prose, also under a wrong name, and prose is.

Records are read as what they are; of those that are not clear, and of all others, the name is said, and what to do.
"""

import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma
import pickle
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from nextword.data import Reading, read_corpus
from nextword.errors import DataError

TEXTS = [f"The ferry crossed, slowly, for the {n}th time; nobody said a word." for n in range(20)]


def saved(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def drawn(format: str) -> Callable[[], bytes]:
    """An empty picture, drawn by the test that wants it, for collecting need not wait for Matplotlib."""

    def draw() -> bytes:
        from matplotlib.figure import Figure

        return saved(lambda file: Figure().savefig(file, format=format))

    return draw


def in_columns(format: str) -> Callable[[], bytes]:
    """The texts as a table in columns, written by the test that wants it."""

    def write() -> bytes:
        import pyarrow
        import pyarrow.feather
        import pyarrow.parquet

        table, file = pyarrow.table({"id": range(len(TEXTS)), "text": TEXTS}), io.BytesIO()
        if format == "parquet":
            pyarrow.parquet.write_table(table, file)
        elif format == "feather":
            pyarrow.feather.write_feather(table, file)
        else:
            with (pyarrow.ipc.new_file if format == "file" else pyarrow.ipc.new_stream)(file, table.schema) as writer:
                writer.write_table(table, max_chunksize=7)
        return file.getvalue()

    return write


def zstandard_of(content: bytes) -> bytes:
    import zstandard

    return bytes(zstandard.compress(content))


def zipped(members: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"abc"))
    return file.getvalue()


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table texts (text)")
    return connection.serialize()


def table(delimiter: str = ",") -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([["id", "tweet"], *enumerate(TEXTS)])
    return file.getvalue().encode()


LINES = "\n".join(json.dumps({"id": n, "text": text}) for n, text in enumerate(TEXTS)).encode()
RECORDS = [{"query": text[:9], "response": text[9:]} for text in TEXTS]

# What it is called, and its bytes; the texts in all of them are TEXTS.
READ: list[tuple[str, bytes | Callable[[], bytes]]] = [
    ("a.jsonl", LINES),
    ("a.json", json.dumps([{"id": n, "text": text} for n, text in enumerate(TEXTS)]).encode()),
    ("c.json", json.dumps(TEXTS).encode()),
    ("a.csv", table()),
    ("b.csv", table(";")),
    ("a.tsv", table("\t")),
    ("a.parquet", in_columns("parquet")),
    ("a.arrow", in_columns("file")),
    ("b.arrow", in_columns("stream")),
    ("a.feather", in_columns("feather")),
    ("a.zip", zipped({"a.jsonl": LINES})),
    (
        "b.zip",
        zipped({"a/1.txt": "<|endoftext|>".join(TEXTS[:9]), "a/2.txt": "<|endoftext|>".join(TEXTS[9:]), "b.png": "x"}),
    ),
    ("a.jsonl.gz", gzip.compress(LINES)),
    ("a.jsonl.xz", lzma.compress(LINES)),
    ("a.csv.bz2", bz2.compress(table())),
    ("a.jsonl.zst", lambda: zstandard_of(LINES)),
    ("a.parquet.gz", lambda: gzip.compress(in_columns("parquet")())),
]

# What it is called, as which it is refused, and its bytes: as real programs write them where one is at hand.
KINDS: list[tuple[str, str, bytes | Callable[[], bytes]]] = [
    ("a.json", "JSON, and 2 columns", json.dumps(RECORDS).encode()),
    ("b.json", "JSON, and no single column", json.dumps({"texts": TEXTS}, indent=2).encode()),
    ("a.ipynb", "a Jupyter notebook, and plain text", json.dumps({"cells": [], "nbformat": 4}).encode()),
    ("a.docx", "a Word document", zipped({"[Content_Types].xml": "x", "word/document.xml": "x"})),
    ("a.xlsx", "an Excel sheet", zipped({"[Content_Types].xml": "x", "xl/workbook.xml": "x"})),
    ("a.pptx", "a presentation", zipped({"[Content_Types].xml": "x", "ppt/presentation.xml": "x"})),
    ("a.epub", "an e-book", zipped({"mimetype": "x", "META-INF/container.xml": "x"})),
    ("a.odt", "an OpenDocument text", zipped({"mimetype": "x", "content.xml": "x"})),
    ("a.zip", "a ZIP archive", zipped({})),
    ("a.tar", "a tar archive", tarred()),
    ("a.pdf", "a PDF", b"%PDF-1.7\n" + "\n".join(TEXTS).encode()),
    ("b.pdf", "a PDF", drawn("pdf")),
    ("a.ps", "PostScript", drawn("ps")),
    ("a.png", "a picture", drawn("png")),
    ("a.jpg", "a picture", drawn("jpeg")),
    ("a.tif", "a picture", drawn("tiff")),
    ("a.gif", "a picture", b"GIF89a\x01\0\x01\0\0\0\0;"),
    ("a.npy", "a NumPy array", saved(lambda file: np.save(file, np.ones(9)))),
    ("a.npz", "a NumPy array", saved(lambda file: np.savez(file, x=np.ones(9)))),
    ("a.safetensors", "a file of safetensors", save({"wte.weight": np.ones(9)})),
    ("a.pt", "a PyTorch checkpoint", saved(lambda file: torch.save({"a": torch.ones(2)}, file))),
    ("a.gguf", "a GGUF file", b"GGUF\3\0\0\0" + bytes(30)),
    ("a.pkl", "a pickle", pickle.dumps(TEXTS)),
    ("a.sqlite", "an SQLite database", database()),
    ("a.h5", "an HDF5 file", b"\x89HDF\r\n\x1a\n" + bytes(30)),
    ("python", "a program", Path(sys.executable).resolve().read_bytes()[:100_000]),
    ("a.exe", "a program", b"MZ\x90\0\3\0\0\0"),
    ("a.rtf", "an RTF document", b"{\\rtf1\\ansi " + TEXTS[0].encode() + b"}"),
    ("a.doc", "a Microsoft Office document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(30)),
    ("v1.feather", "a Feather file of the first version", b"FEA1\0\0\0\0" + TEXTS[0].encode()),
    ("a.7z", "a 7z archive", b"7z\xbc\xaf\x27\x1c\0\4"),
    ("a.rar", "a RAR archive", b"Rar!\x1a\x07\1\0"),
    ("a.wav", "a sound", b"RIFF\x24\0\0\0WAVEfmt "),
    ("a.mid", "music in MIDI", b"MThd\0\0\0\6"),
    ("a.mp4", "a video", b"\0\0\0\x18ftypmp42"),
    ("a.ttf", "a font", b"\0\1\0\0\0\x0f"),
    ("pointer.md", "a pointer of Git LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
]


def message(name: str, raw: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(DataError) as error:
        read_corpus(name)
    return str(error.value)


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize(("name", "kind", "raw"), KINDS, ids=lambda given: given if isinstance(given, str) else "")
def test_it_is_refused_by_name_whatever_it_is_called(
    name: str,
    kind: str,
    raw: bytes | Callable[[], bytes],
    renamed: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = "corpus.txt" if renamed else name
    found = message(called, raw if isinstance(raw, bytes) else raw(), tmp_path, monkeypatch)
    expected = f"{called}: this is {kind}" + ("" if ", and " in kind else ", and plain text is expected. ")
    assert found.startswith(expected)
    assert len(found) > len(expected) + 20  # what to do next


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize(("name", "raw"), READ, ids=lambda given: given if isinstance(given, str) else "")
def test_its_texts_are_read_whatever_it_is_called(
    name: str, raw: bytes | Callable[[], bytes], renamed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called = "corpus.txt" if renamed else name
    content = raw if isinstance(raw, bytes) else raw()
    (tmp_path / called).write_bytes(content)
    corpus = read_corpus(called)
    assert corpus.documents == tuple(TEXTS)
    assert corpus.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.tsv", "a.pkl", "a.parquet", "a.zip", "a.svg"])
def test_a_name_tells_where_the_content_does_not(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = message(name, b"<html>404 Not Found</html>", tmp_path, monkeypatch)
    assert found.startswith(f"{name}: ")
    assert any(
        told in found
        for told in ("this is a", "line 1 was cut off", "damaged JSON at line 1", "a Parquet file that is damaged")
    )


PROSE = {
    "play": "[Enter GHOST]\n\nHAMLET. Angels and ministers of grace defend us!\n[Exit]\n",
    "stage directions": "[Exit]\n[Enter]\n[Exit]\n[Enter]\n[Exit]\n",
    "braces": "{Aside} I know a bank.\n{Aloud} Good morrow!\n",
    "about JSON": '{"a": 1} is an object in JSON, and [1] is an array.\n',
    "dialogue": '"Hello."\n"Good day."\n"Where to?"\n"Home."\n"Now?"\n',
    "poem": "Roses are red, violets are blue\nSugar is sweet, honey is too\n" * 5,
    "terse poem": "Roses,violets\n\nred,blue,\nsweet\n" * 5,
    "speakers": "ROMEO\tAy me\nJULIET\tHe speaks\nROMEO\tShe speaks\nJULIET\tO Romeo\nROMEO\tIt is my lady\n",
    "verses": "".join(f"Gen 1:{n}\tIn the beginning, God created the heaven and the earth.\n" for n in range(9)),
    "python": "import json\n\nx = {'a': [1, 2]}\nprint(json.dumps(x))\n",
    "python list": "[\n    print(n)\n    for n in range(9)\n]\n",
    "c": '#include <stdio.h>\nint main(void) { return puts("hi"); }\n',
    "markdown": "# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "table in markdown": "| a | b |\n|---|---|\n| 1 | 2 |\n| 1 | 2 |\n| 1 | 2 |\n| 1 | 2 |\n",
    "html": "<!doctype html>\n<html><body><p>Text, text</p></body></html>\n",
    "tex": "%!TEX root = main.tex\n\\documentclass{article}\n\\begin{document}\nText.\n\\end{document}\n",
    "log": "".join(f"2026-01-01 12:00:0{n},123 INFO main,start,done\n" for n in range(9)),
    "ini": "[section]\nname=value\n[other]\nname=value\n",
    "yaml": "---\na: [1, 2]\nb: {c: d}\n",
    "recipe": "Flour, 200 g\nSugar, 100 g\nButter, 100 g\nEggs, 2\nSalt, 1 pinch\nMilk, 1 l\n",
    "car": "BMW and MZ made motorcycles.\n",
    "MZ": "MZ is a make of motorcycles.\n",
    "mustard": "x" * 256 + "mustard\n",
    "abc": "X:1\nT:Tune\nK:G\nGABc dedB|dedB dedB|\n",
    "DNA": "ACGT" * 400,
    "chinese": "河对岸的旧船慢慢地走，没有人说一句话。\n" * 9,
}


@pytest.mark.parametrize("name", PROSE)
def test_prose_and_code_pass(name: str, tmp_path: Path) -> None:
    file = tmp_path / "corpus.txt"
    file.write_text(PROSE[name])
    assert read_corpus([str(file)]).documents == (PROSE[name],)


NAMES = [".pdf", ".db", ".mid", ".o", ".a", ".class", ".pth", ".ttf", ".gz", ".zst", ".docx", ".parquet", ".zip"]


@pytest.mark.parametrize("suffix", NAMES)
@pytest.mark.parametrize("text", ["chinese", "DNA", "html in part"])
def test_a_plain_text_is_read_whatever_it_is_called(suffix: str, text: str, tmp_path: Path) -> None:
    content = {**PROSE, "html in part": "A page begins with <html>.\n"}[text] * 999
    (tmp_path / f"a{suffix}").write_text(content, encoding="utf-8")
    assert read_corpus([str(tmp_path / f"a{suffix}")]).documents == (content,)


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"text\0", b"text\x01", "Über".encode("latin-1")])
def test_what_is_no_plain_text_is_what_its_name_says(
    raw: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert message("a.db", raw, tmp_path, monkeypatch).startswith("a.db: this is an SQLite database, ")


def test_a_pickle_in_letters_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = message("a.pkl", pickle.dumps(TEXTS, protocol=0), tmp_path, monkeypatch)
    assert found.startswith("a.pkl: this is a pickle, ")


def test_as_text_takes_it_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINES)
    assert read_corpus([str(tmp_path / "a.jsonl")], Reading(as_text=True)).documents == (LINES.decode(),)


@pytest.mark.parametrize(
    ("name", "raw", "texts"),
    [
        ("a.json", json.dumps(RECORDS, indent=1).encode(), [record["response"] for record in RECORDS]),
        ("it's.json", json.dumps(RECORDS).encode(), [record["response"] for record in RECORDS]),
    ],
)
def test_the_command_leaves_a_text_that_can_be_trained_on(
    name: str, raw: bytes, texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = message(name, raw, tmp_path, monkeypatch)
    words = shlex.split(found[found.index("nextword train") : found.index(" (Or add")])
    assert words[2:-1] == ["--data", name, "--field"]
    assert read_corpus(name, Reading(field=words[-1])).documents == tuple(texts)


BINARY = [given for given in KINDS if not given[0].endswith((".json", ".zip"))]


@pytest.mark.parametrize(("name", "kind", "raw"), BINARY, ids=lambda given: given if isinstance(given, str) else "")
def test_no_command_writes_onto_a_file_that_there_is(
    name: str, kind: str, raw: bytes | Callable[[], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"my notes.txt", "my notes", "my notes.new.txt"}
    for other in there:
        (tmp_path / other).touch()
    found = message("my notes.txt", raw if isinstance(raw, bytes) else raw(), tmp_path, monkeypatch)
    words = [
        word.removeprefix("-o").rstrip("/")
        for word in shlex.split(found.partition(": this is ")[2].replace("model's", ""))
    ]
    assert there.intersection(words) <= {"my notes.txt"}


@pytest.mark.parametrize("name", ["k/sql.txt", "k/notes.db"])
@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="runs sqlite3")
def test_the_command_of_a_database_leaves_all_files_as_they_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "notes.txt").write_text("mine")
    path = tmp_path / name
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("create table texts (text)")
        connection.execute("insert into texts values ('One boat.')")
    connection.close()
    before, found = path.read_bytes(), message(name, path.read_bytes(), tmp_path, monkeypatch)
    command = found[found.index("sqlite3 ") :].replace("COLUMN from TABLE", "text from texts")
    subprocess.run(command, shell=True, check=True)
    written = str(Path(name).with_suffix(".new.txt"))
    assert command.endswith(f" > {written}")
    assert read_corpus(written).documents == ("One boat.\n",)
    assert (path.read_bytes(), (tmp_path / "k" / "notes.txt").read_text()) == (before, "mine")


def test_an_output_counts_on_and_a_link_to_nothing_counts_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").symlink_to("gone")
    (tmp_path / "a.new.txt").touch()
    assert message("a.pdf", b"%PDF-1.4", tmp_path, monkeypatch).endswith("pdftotext a.pdf a.new2.txt")


@pytest.mark.parametrize("in_the_way", [(), ("a",), ("a", "a.tar", "a.new")])
def test_a_packed_tar_is_unpacked_into_a_new_folder(
    in_the_way: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in in_the_way:
        (tmp_path / name).touch()
    found = message("a.tar.gz", gzip.compress(tarred()), tmp_path, monkeypatch)
    subprocess.run(found[found.index("mkdir") :], shell=True, check=True)
    folder = {0: "a", 1: "a.new", 3: "a.new2"}[len(in_the_way)]
    assert read_corpus(folder).documents == ("abc",)


def test_what_is_compressed_is_unpacked_for_the_program_that_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = message("a.pdf.gz", gzip.compress(b"%PDF-1.4"), tmp_path, monkeypatch)
    assert found.endswith("Unpack it, and name what comes out: gzip -dc a.pdf.gz > a.pdf")
    found = message("b.txt", gzip.compress(b"%PDF-1.4"), tmp_path, monkeypatch)
    assert found.endswith("gzip -dc b.txt > b.new.txt")


def test_a_foreign_file_in_an_archive_or_a_pipe_is_first_brought_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "it's").mkdir()
    found = message("it's/a.zip", zipped({"b/c.pdf": "%PDF-1.4"}), tmp_path, monkeypatch)
    assert found.startswith("it's/a.zip/b/c.pdf: this is a PDF, and plain text is expected. Unpack the archive, ")
    command = found[found.index("unzip ") :]
    assert shlex.split(command) == ["unzip", "-d", "it's/a", "it's/a.zip"]
    if shutil.which("unzip"):
        subprocess.run(command, shell=True, check=True)
        assert (tmp_path / "it's/a/b/c.pdf").read_bytes() == b"%PDF-1.4"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"%PDF-1.4")))
    with pytest.raises(
        DataError, match=r"^standard input: this is a PDF, .* Save it as a file first, and name that\.$"
    ):
        read_corpus("-")
