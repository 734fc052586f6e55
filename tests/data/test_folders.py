"""Which files of a folder are read: texts, or records where there are no texts."""

import shlex
from pathlib import Path

import pytest

from nextword.data import Reading, read_corpus
from nextword.data.folders import choose_files
from nextword.data.reading import AS_AT_FIRST, PROSE_SUFFIXES
from nextword.errors import DataError


def chosen(sizes: dict[str, int], reading: Reading | None = None) -> list[str]:
    return choose_files("f", sizes.items(), reading or Reading()).chosen


def test_texts_or_else_records() -> None:
    assert chosen({"a.txt": 9, "b.md.gz": 9, "c.jsonl": 9, "d.png": 9}) == ["a.txt", "b.md.gz"]
    assert chosen({"c.jsonl": 9, "d.csv.zst": 9, "e.parquet": 9, "f.py": 9}) == ["c.jsonl", "d.csv.zst", "e.parquet"]
    assert chosen({"data.arrow": 9, "state.json": 1, "dataset_info.json": 1}) == ["data.arrow"]


def test_what_says_something_about_records_is_not_read_for_them() -> None:
    found = choose_files("f", {"README.md": 99, "LICENSE.txt": 9, "data/a.parquet": 1}.items(), Reading())
    assert found.chosen == ["data/a.parquet"]
    assert found.passed_over == {"README.md": 1, "LICENSE.txt": 1}
    assert chosen({"README.md": 9}) == ["README.md"]


def test_texts_among_more_records_are_not_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f").mkdir()
    with pytest.raises(DataError) as error:
        chosen({"notes.txt": 9, "a.jsonl": 99, "b.jsonl": 1})
    assert str(error.value) == (
        "f: there are texts in it (1 .txt) and more bytes of records (2 .jsonl). "
        'Say which of them are meant: "f/**/*.txt" or "f/**/*.jsonl"'
    )


def test_an_older_run_reads_what_it_read() -> None:
    sizes = {"a.txt": 9, "b.txt.gz": 9, "c.jsonl": 99, "d.tex": 9}
    assert chosen(sizes, AS_AT_FIRST) == ["a.txt"]
    assert chosen(sizes, Reading(suffixes=PROSE_SUFFIXES)) == ["a.txt", "d.tex"]


def test_a_folder_of_records(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one two"}\n')
    (tmp_path / "b.csv").write_text("id,text\n1,three four\n")
    corpus = read_corpus(tmp_path)
    assert corpus.documents == ("one two", "three four")
    assert corpus.account[1:] == (
        f"{tmp_path / 'a.jsonl'} is read as JSON lines, of which the column 'text' is the text, the only one that may "
        "be it.",
        f"{tmp_path / 'b.csv'} is read as a table (CSV), of which the column 'text' is the text, the only one that "
        "may be it.",
    )


def test_a_proposed_pattern_matches_also_in_a_folder_with_brackets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f [1]").mkdir()
    Path("f [1]/a.txt").write_text("one")
    Path("f [1]/b.jsonl").write_text('{"text": "two three"}\n')
    with pytest.raises(DataError) as error:
        read_corpus("f [1]")
    assert read_corpus(shlex.split(str(error.value))[-3]).documents == ("one",)
