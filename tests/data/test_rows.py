"""Records against the readers of Python's own library, and what is said of a broken one."""

import csv
import io
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from nextword.data.records import CSV, JSON, JSON_LINES, TSV, RecordKind, find_records
from nextword.data.rows import lines, rows
from nextword.errors import DataError

TEXTS = ['Say "no", or\nyes;\ttwo', "", "naïve 字\\n", " spaced ", "[1, {2}]", "a" * 300]


def parts_of(text: str, seed: int = 0) -> Iterator[str]:
    draw = random.Random(seed)
    while text:
        n = draw.choice([1, 2, 3, 10, 50])
        yield text[:n]
        text = text[n:]


def values(text: str, kind: RecordKind, seed: int = 0) -> list[Any]:
    return [value for _, value in rows("a", parts_of(text, seed), kind)]


def message(text: str, kind: RecordKind) -> str:
    with pytest.raises(DataError) as error:
        values(text, kind)
    return str(error.value)


def test_lines_of_parts() -> None:
    assert [*lines(iter(["a", "b\nc", "\n\n", "d"]))] == ["ab\n", "c\n", "\n", "d"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_what_json_reads(seed: int, indent: int | None) -> None:
    records = [{"id": n, "text": text, "more": [1.5e3, None, True, {"x": text}]} for n, text in enumerate(TEXTS)]
    for value in (records, TEXTS, [], [[1], []]):
        assert values(json.dumps(value, indent=indent, ensure_ascii=seed % 2 == 0), RecordKind(JSON), seed) == value
    one_by_one = "\n".join(json.dumps(record, indent=indent) for record in records)
    assert values(one_by_one, RecordKind(JSON), seed) == records
    as_lines = "\n\n".join(json.dumps(record) for record in records)
    assert values(as_lines, RecordKind(JSON_LINES), seed) == records


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_what_csv_reads(delimiter: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([["id", "text"], *enumerate(TEXTS)])
    expected = [*csv.DictReader(io.StringIO(file.getvalue(), newline=""), delimiter=delimiter)]
    assert values(file.getvalue(), RecordKind(CSV, delimiter)) == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_first_line_may_name_the_delimiter_as_in_excel(delimiter: str) -> None:
    text = f"sep={delimiter}\nid{delimiter}text\n1{delimiter}It is one of two\n"
    kind = find_records("a.csv", text)
    assert kind == RecordKind(TSV if delimiter == "\t" else CSV, delimiter)
    assert [*rows("a", [text], kind)] == [(3, {"id": "1", "text": "It is one of two"})]


def test_a_column_without_a_name_beside_others() -> None:
    text = ",text\n" + "".join(f"{n},It is {n}\n" for n in range(9))
    for name in ("a.csv", "a.unknown"):
        assert find_records(name, text) == RecordKind(CSV)
    assert [row["text"] for row in values(text, RecordKind(CSV))] == [f"It is {n}" for n in range(9)]
    assert "the first row of a table is expected to name" in message(",\n1,2\n", RecordKind(CSV))


def test_a_tsv_may_have_quotes_that_quote_nothing() -> None:
    text = 'id\ttext\n1\t"Yes, he said\n2\tNo\n'
    kind = find_records("a.tsv", text)
    assert kind == RecordKind(TSV, "\t", quoted=False)
    assert [row["text"] for row in values(text, kind)] == ['"Yes, he said', "No"]


def test_the_number_of_a_record_is_its_line() -> None:
    kinds = {JSON_LINES: '\n{"a": 1}\n\n{"a": 2}\n', JSON: '[\n{"a":\n1},\n\n{"a": 2}]', CSV: 'a,b\n"x\ny",1\n\nz,2\n'}
    found = {name: [number for number, _ in rows("a", [text], RecordKind(name))] for name, text in kinds.items()}
    assert found == {JSON_LINES: [2, 4], JSON: [2, 5], CSV: [2, 5]}


def test_a_broken_line_is_named_with_what_to_do() -> None:
    assert message('{"a": 1}\n{"a" 2}\n{"a": 3}\n', RecordKind(JSON_LINES)) == (
        """a: line 2 is no JSON (Expecting ':' delimiter, character 6): '{"a" 2}'. """
        "Mend this line, or take it out: sed 2d OLD.jsonl > NEW.jsonl"
    )
    assert message('{"a": 1}\n{"a": "tw', RecordKind(JSON_LINES)) == (
        'a: line 2 was cut off (Unterminated string starting at, character 7): \'{"a": "tw\'. '
        "Download or make the file again, or take out its last line: sed '$d' OLD.jsonl > NEW.jsonl"
    )


@pytest.mark.parametrize("text", ['[{"a": 1},\n]', '[{"a": 1}', '[{"a": 1} {"a": 2}]', '[1,\n{"a" 2}]', '{"a": tru'])
def test_damaged_json_is_named_with_its_line(text: str) -> None:
    assert message(text, RecordKind(JSON)).startswith("a: damaged JSON at line ")


def test_a_fault_early_in_a_large_file_is_found_without_reading_all_of_it() -> None:
    read = 0

    def parts() -> Iterator[str]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield '{"a" 2}, ' * 100

    with pytest.raises(DataError, match="damaged JSON at line 1"):
        [*rows("a", parts(), RecordKind(JSON))]
    assert read < 9


def test_a_row_with_too_many_cells_and_a_quote_too_few() -> None:
    assert "the row at line 3 has 3 cells, where the first row has 2: 'c,d,e'" in message(
        "x,y\na,b\nc,d,e\n", RecordKind(CSV)
    )
    assert message('x,y\na,b\n"c,d\ne,f\n', RecordKind(CSV)).startswith("a: the row at line 3 is broken (")


@pytest.mark.parametrize("names", ["x,x", "1,0.5", f"id,{'long ' * 30}"])
def test_a_table_without_names(names: str) -> None:
    assert "the first row of a table is expected to name its columns" in message(f"{names}\na,b\n", RecordKind(CSV))


def test_a_cell_longer_than_csv_takes_by_itself() -> None:
    assert values(f"x,y\n1,{'a' * 200_000}\n", RecordKind(CSV))[0]["y"] == "a" * 200_000
