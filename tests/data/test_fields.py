"""Which column is the text: guessed where there is one, asked for where there are more."""

from typing import Any

import pytest

from nextword.data.fields import Field, choose_field, columns, texts_at
from nextword.errors import DataError

LONG = "The ferry crossed the river, and nobody said a word."


def choose(*records: Any, asked: str | None = None) -> Field:
    return choose_field("my file.jsonl", "JSON lines", columns(records), asked)


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"text": "one"}, "text"),  # the only one that is a string
        ({"id": "a1", "text": LONG, "url": "https://a.org/b?c", "date": "2019-04-25 12:57:54", "n": 3}, "text"),
        ({"meta": {"lang": "en"}, "body": LONG}, "body"),
        ({"doc": {"text": LONG, "id": "x"}}, "doc.text"),
        ({"": "0", "text": "one"}, "text"),  # as pandas writes the number of a row
        ({"text": "3+5=8"}, "text"),
        ({"text": "我有3只猫"}, "text"),
        ({"text": "The 3 tales"}, "text"),
        ({"title": "猫", "text": "我有3.5公斤的猫和狗"}, "text"),
        ({"name": "Marion"}, "name"),
        ({"id": "x", "content": "河对岸的旧船慢慢地走，没有人说一句话。"}, "content"),
    ],
)
def test_the_only_text_is_guessed(record: dict[str, Any], path: str) -> None:
    assert choose(record, record) == Field(path, guessed=True)


def test_a_list_of_texts_needs_no_column() -> None:
    assert choose("one", "two") == Field("")


def test_several_texts_are_shown_with_examples_and_a_command() -> None:
    with pytest.raises(DataError) as error:
        choose({"id": 1, "title": "The Ferry", "body": LONG})
    assert str(error.value) == (
        "my file.jsonl: this is JSON lines, and 2 columns of it may be the text to learn from. It has title "
        "('The Ferry'), body ('The ferry crossed the river, a...'). Choose one with `field`, such as: "
        'nextword train --data "my file.jsonl" --field body'
    )


@pytest.mark.parametrize(
    "label",
    [
        "https://a.org/b?c=d",
        "www.a.org",
        "a.org/b",
        "img/cat.jpg",
        "me@a.org",
        "a1",
        "123e4567-e89b-12d3-a456-426614174000",
        "42",
        "2019-04-25",
        "2019-04-25T12:57:54.000+00:00",
        "25 Apr 2019",
        "Thursday, April 25, 2019",
        "2019年4月25日",
    ],
)
def test_an_only_column_of_labels_is_asked_for(label: str) -> None:
    record = {"id": 7, "only": label}
    with pytest.raises(DataError) as error:
        choose(record, record)
    assert str(error.value) == (
        "my file.jsonl: this is JSON lines, and its only column of text holds ids, dates, web addresses or the like, "
        f"which are hardly the text to learn from. It has only ({label[:30] + '...' * (len(label) > 30)!r}). "
        'Choose it with `field`, such as: nextword train --data "my file.jsonl" --field only'
    )
    assert choose(record, asked="only") == Field("only")


def test_messages_are_never_guessed() -> None:
    with pytest.raises(DataError, match=r"no single column of it .* --field \"?'?messages.\*.content"):
        choose({"messages": [{"role": "user", "content": LONG}, {"role": "assistant", "content": LONG}]})


def test_a_column_that_is_not_there_and_records_without_text() -> None:
    with pytest.raises(DataError, match=r"without a column 'txt'\. Did you mean text\? It has text \('one'\)\."):
        choose({"text": "one"}, asked="txt")
    with pytest.raises(DataError, match=r"without a column of text\. It has a \(no text\)\."):
        choose({"a": 1})


RECORD = {"a.b": "dotted", "a": {"b": "nested"}, "m": [{"c": "first"}, {"c": "second"}], "none": None}


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("a.b", ["dotted"]),
        ("m.0.c", ["first"]),
        ("m.*.c", ["first", "second"]),
        ("m.7.c", []),
        ("none", [None]),
        ("gone", []),
    ],
)
def test_paths(path: str, texts: list[Any]) -> None:
    assert [*texts_at(RECORD, path)] == texts


@pytest.mark.parametrize("path", ["m.0.c", "m.*.c", "a.b", "none"])
def test_a_path_that_is_asked_for_is_taken(path: str) -> None:
    assert choose(RECORD, asked=path) == Field(path)
