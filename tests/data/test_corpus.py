"""A corpus as a stream: the same documents as in memory, as often as they are asked for, in little memory."""

import gzip
import hashlib
import io
import json
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from nextword.data import OpenedCorpus, Reading, open_corpus, read_corpus
from nextword.data.corpus import into_memory
from nextword.errors import DataError

RECORDS = [{"id": n, "text": f"It is story {n}.", "other": {"note": f"It is note {n}."}} for n in range(30)]
LINES = "\n".join(map(json.dumps, RECORDS))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def message(data: list[str], **reading: str) -> str:
    with pytest.raises(DataError) as error:
        [*open_corpus(data, Reading(**reading)).documents()]
    return str(error.value)


def test_a_stream_has_the_documents_of_the_corpus_each_time(here: Path) -> None:
    (here / "a.txt").write_text("one<|endoftext|>two")
    (here / "b.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    data = ["b.jsonl.gz", "a.txt", "story"]
    opened, whole = open_corpus(data, Reading(field="text")), read_corpus(data, Reading(field="text"))
    assert isinstance(opened, OpenedCorpus)
    assert [*opened.documents()] == [*opened.documents()] == [*whole.documents]
    assert (opened.name, opened.sha256) == (whole.name, whole.sha256)
    assert whole.documents[:2] == ("It is story 0.", "It is story 1.")
    assert opened.account == (
        "Read b.jsonl.gz, a.txt, story.",
        "b.jsonl.gz is read as JSON lines, of which the column 'text' is the text.",
    )
    assert whole.account == (*opened.account, "33 documents.")


def test_standard_input_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES.encode())))
    opened = open_corpus("-", Reading(field="other.note"))
    assert [*opened.documents()] == [*opened.documents()] == [f"It is note {n}." for n in range(30)]
    assert opened.sha256 == hashlib.sha256(LINES.encode()).hexdigest()


def test_the_column_is_asked_for_in_words_and_taken_as_it_is_named(here: Path) -> None:
    (here / "a.jsonl").write_text(LINES)
    assert "Choose one with `field`, such as: nextword train --data a.jsonl --field text" in message(["a.jsonl"])
    assert "without a column 'tex'. Did you mean text?" in message(["a.jsonl"], field="tex")
    (here / "notes.txt").write_text("prose")
    assert message(["notes.txt"], field="text") == (
        "notes.txt: there are no records in it, and so no `field`. Leave that out."
    )


def test_records_without_text_are_passed_over_and_other_things_are_not_text(here: Path) -> None:
    (here / "a.jsonl").write_text('{"a": "one two"}\n{"b": 1}\n{"a": null}\n{"a": " "}\n{"a": "x\\r\\ny"}\n')
    assert read_corpus("a.jsonl").documents == ("one two", "x\ny")
    (here / "b.jsonl").write_text('{"a": "one two"}\n{"a": ["three"]}\n')
    assert message(["b.jsonl"]) == (
        "b.jsonl: in the record at line 2 'a' is a list, and a text is expected. Mend it, or choose another `field`."
    )
    (here / "c.jsonl").write_text('{"a": "one two"}\n' * 99 + '{"a": "thr\n')
    assert message(["c.jsonl"]).startswith("c.jsonl: line 100 is no JSON (")
    (here / "d.csv").write_text("a,b\n1, \n")
    assert message(["d.csv"], field="b").startswith("d.csv: no text in its column 'b'. ")


def test_records_without_text_are_counted(here: Path) -> None:
    lines = [json.dumps({name: f"It is {name} {n}."}) for name in ("text", "body") for n in range(1600)]
    (here / "a.jsonl").write_text("\n".join(lines))
    (here / "b.jsonl").write_text('{"m": ["a b"]}\n{"m": []}\n{"m": [" ", null]}\n{"m": [" ", "c"]}\n')
    for field, file, said in [
        ("text", "a.jsonl", "a.jsonl: 1,600 of 3,200 records have no text in the column 'text', and are passed over."),
        ("m.*", "b.jsonl", "b.jsonl: 2 of 4 records have no text in the column 'm.*', and are passed over."),
    ]:
        opened = open_corpus(file, Reading(field=field))
        assert read_corpus(file, Reading(field=field)).account[-1] == said
        assert into_memory(opened).account == into_memory(opened).account  # not counted twice
    (here / "c.jsonl").write_text('{"m": ["c"]}\n{}\n')
    both = read_corpus(["b.jsonl", "c.jsonl"], Reading(field="m.*"))
    assert both.account[-1] == "2 files: 3 of 6 records have no text in the column 'm.*', and are passed over."
    (here / "d.jsonl").write_text(LINES)
    assert not any("passed over" in said for said in read_corpus("d.jsonl", Reading(field="text")).account)


def test_a_column_that_only_later_records_have(here: Path) -> None:
    first, last = ['{"body": "It is first."}'] * 60, ['{"more": {"text": "It is last."}}', '{"late": 1}']
    (here / "a.jsonl").write_text("\n".join([*first, *last]))
    (here / "b.json").write_text(f"[{', '.join([*first, *last])}]")
    for file in ("a.jsonl", "b.json"):
        assert read_corpus(file, Reading(field="more.text")).documents == ("It is last.",)
        assert "without a column 'title'. It has body ('It is first.'), more.text ('It is last.'), late (no text)." in (
            message([file], field="title")
        )


def test_tables_as_pandas_and_excel_write_them(here: Path) -> None:
    (here / "pandas.csv").write_text(",text\n0,one\n1,two\n")
    (here / "excel.csv").write_text("sep=;\nid;text\n1;It is one, of two.\n")
    for field in (None, "text"):
        assert read_corpus("pandas.csv", Reading(field=field)).documents == ("one", "two")
        assert read_corpus("excel.csv", Reading(field=field)).documents == ("It is one, of two.",)
    (here / "urls.csv").write_text("url\nhttps://a.org/1\nhttps://a.org/2\n")
    assert "Choose it with `field`, such as: nextword train --data urls.csv --field url" in message(["urls.csv"])


def test_files_without_records_say_so(here: Path) -> None:
    for file in ("a.jsonl", "a.csv", "a.json"):
        (here / file).write_text("[]" if file == "a.json" else "")
        assert " that has no records. Expected some: add them, or name another source." in message([file])
    (here / "b.csv").write_text("id,text\n")
    assert message(["b.csv"]) == (
        "b.csv: this is a table (CSV) that has no rows. Its columns are: id, text. "
        "Expected text to learn from: add rows, or name another source."
    )


def test_another_encoding_of_records(here: Path) -> None:
    (here / "a.csv").write_bytes("id;text\n1;Über den Fluß\n".encode("utf-16"))
    assert read_corpus("a.csv", Reading(encoding="utf-16")).documents == ("Über den Fluß",)
    assert "Add `encoding='utf-16'`" in message(["a.csv"])


def test_patterns_name_files(here: Path) -> None:
    for name in ("b/2.txt", "b/1.txt", "b/c/3.txt", "b/4.md"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(name)
    corpus = read_corpus(["b/**/*.txt"])
    assert (corpus.name, corpus.documents) == ("b", ("b/1.txt", "b/2.txt", "b/c/3.txt"))
    assert corpus.account == ("Read b/1.txt, b/2.txt, b/c/3.txt.",)
    assert message(["b/*.rst"]).startswith("b/*.rst: no file matches this pattern. Expected ")
    (here / "[1].txt").write_text("brackets in its name")
    assert read_corpus("[1].txt").documents == ("brackets in its name",)


def test_weights_are_shares_and_part_of_what_identifies_a_corpus(here: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt:2"):
        (here / name).write_text(f"text of {name}")
    corpus = read_corpus(["a.txt:0.6", "b.txt:.2"])
    assert [(share.name, share.share, share.n_documents) for share in corpus.shares] == [
        ("a.txt", pytest.approx(0.75), 1),
        ("b.txt", pytest.approx(0.25), 1),
    ]
    assert corpus.account[-1] == "Shares of the windows to train on: a.txt 75.0%, b.txt 25.0%."
    assert read_corpus(["a.txt:6", "b.txt:2"]).sha256 == corpus.sha256
    assert read_corpus(["a.txt", "b.txt"]).sha256 != corpus.sha256
    assert read_corpus(["c.txt:2"]).documents == ("text of c.txt:2",)  # a file of this very name
    assert message(["a.txt:1", "b.txt"]) == "b.txt: no weight, and other sources have one. Give one to each: b.txt:1"
    for below in ("0", "-1", "-.5"):
        assert message([f"a.txt:{below}", "b.txt:1"]).startswith(
            f"a.txt:{below}: a weight is above 0, such as a.txt:0.5."
        )


def megabytes_held(opened: OpenedCorpus) -> tuple[float, int]:
    tracemalloc.start()
    n = sum(len(piece) for piece, _ in opened.pieces())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6, n


def repeated(text: bytes, n: int) -> Iterator[bytes]:
    return (text for _ in range(n))


@pytest.mark.parametrize("name", ["a.txt", "b.txt", "c.jsonl.zst"])
def test_much_text_in_little_memory(name: str, here: Path) -> None:
    block = {
        "a.txt": b"It is a story of some words. " * 4000 + b"<|endoftext|>",
        "b.txt": b"It is one document. " * 5000,
        "c.jsonl.zst": json.dumps({"text": "It is a story. " * 4000}).encode() + b"\n",
    }[name]
    content = b"".join(repeated(block, 40_000_000 // len(block)))
    (here / name).write_bytes(zstandard.compress(content) if name.endswith("zst") else content)
    peak, n = megabytes_held(open_corpus(name))
    assert n > 39_000_000
    assert peak < 12
