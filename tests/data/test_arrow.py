"""Parquet and Arrow files against pyarrow's own lists of what is in them."""

import functools
from pathlib import Path
from typing import Any

import pytest

from nextword.data import Reading, arrow, read_corpus
from nextword.errors import DataError

TEXTS = [f"It is story {n}." for n in range(600)]


@functools.cache
def table() -> Any:
    """A table of many kinds of columns, made by the first test that wants it: collecting need not wait for pyarrow."""
    import pyarrow

    texts = [None if n == 7 else text for n, text in enumerate(TEXTS)]
    chats = [[{"role": "user", "content": f"To {n}?"}, {"role": "bot", "content": f"From {n}."}] for n in range(600)]
    return pyarrow.table(
        {
            "n": range(600),
            "text": pyarrow.array(texts, pyarrow.large_string()),
            "kind": pyarrow.array(["tale"] * 600).dictionary_encode(),
            "chat": chats,
            "a.b": ["It has a dot"] * 600,
        }
    )


def write(path: Path) -> str:
    import pyarrow
    import pyarrow.feather
    import pyarrow.parquet

    match path.suffix:
        case ".parquet":
            pyarrow.parquet.write_table(table(), path, row_group_size=50)
        case ".feather":
            pyarrow.feather.write_feather(table(), path, chunksize=90)
        case _:
            new = pyarrow.ipc.new_file if path.stem == "file" else pyarrow.ipc.new_stream
            with new(path, table().schema) as writer:
                writer.write_table(table(), max_chunksize=100)
    return str(path)


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "file.arrow", "stream.arrow"])
def test_the_columns_are_what_pyarrow_reads(name: str, tmp_path: Path) -> None:
    file = write(tmp_path / name)
    expected = {
        "text": [text for text in table()["text"].to_pylist() if text is not None],
        "kind": table()["kind"].to_pylist(),
        "chat.1.content": [chat[1]["content"] for chat in table()["chat"].to_pylist()],
        "chat.*.content": [message["content"] for chat in table()["chat"].to_pylist() for message in chat],
        "a.b": table()["a.b"].to_pylist(),
    }
    assert {path: [*read_corpus(file, Reading(field=path)).documents] for path in expected} == expected
    with pytest.raises(DataError, match=r"columns of it may be the text .* chat\.\*\.content \('To 0\?'\)"):
        read_corpus(file)


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "file.arrow", "stream.arrow"])
def test_a_file_that_was_cut_off_is_named(name: str, tmp_path: Path) -> None:
    file = Path(write(tmp_path / name))
    file.write_bytes(file.read_bytes()[:-400])
    with pytest.raises(DataError) as error:
        read_corpus(file, Reading(field="text"))
    assert str(error.value).startswith(f"{file}: a")
    assert str(error.value).endswith("Download or make it again.")


def test_tables_without_rows_or_texts_are_told_apart(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    file = tmp_path / "a.parquet"
    for columns, said in [
        (
            {"id": pyarrow.array([], "int64"), "text": pyarrow.array([], "string")},
            "has no rows. Its columns are: id, text.",
        ),
        ({"id": [1], "x": [b"abc"]}, "without a column of text: column 'id' holds int64, column 'x' holds bytes."),
        ({"x": pyarrow.array([], "large_binary")}, "without a column of text: column 'x' holds bytes."),
    ]:
        pyarrow.parquet.write_table(pyarrow.table(columns), file)
        with pytest.raises(DataError) as error:
            read_corpus(file)
        assert str(error.value).startswith(f"{file}: this is a Parquet file ")
        assert said in str(error.value)
    pyarrow.parquet.write_table(pyarrow.table({"x": [b"abc"], "title": ["one"], "body": ["two"]}), file)
    with pytest.raises(DataError, match=r"in row 1 'x' is bytes, and a text is expected"):
        read_corpus(file, Reading(field="x"))


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.parquet")
    monkeypatch.setattr(arrow, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"this is a Parquet file\. .*pip install 'nextword\[data\]'"):
        read_corpus(file)
