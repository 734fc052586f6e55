import json
from collections import Counter
from dataclasses import replace

import pytest

from nextword.learn.interview.asking import GRADES, Grades, GradesError, Session, Tally, choose
from nextword.learn.interview.deck import LEVELS, TOPICS, load_deck

DECK = load_deck()
BY_ID = {question.id: question for question in DECK}


def test_a_seed_always_asks_the_same_and_another_something_else():
    assert choose(10, seed=1) == choose(10, seed=1)
    assert len({choose(10, seed) for seed in range(5)}) == 5


@pytest.mark.parametrize("seed", range(20))
def test_topics_and_levels_are_spread(seed):
    questions = choose(16, seed)
    assert len(set(questions)) == 16
    assert Counter(question.topic for question in questions) == dict.fromkeys(TOPICS, 2)
    levels = Counter(question.level for question in questions)
    assert set(levels) == set(LEVELS)
    assert max(levels.values()) - min(levels.values()) <= 4
    for topic in TOPICS:
        assert len({question.level for question in questions if question.topic == topic}) == 2


def test_every_question_comes_once_and_there_are_no_more():
    everything = choose(10_000, seed=3)
    assert sorted(question.id for question in everything) == sorted(BY_ID)


def test_no_question_is_no_interview():
    with pytest.raises(ValueError, match="at least 1 question, not 0"):
        choose(0, seed=1)


def test_the_weakest_come_first_and_the_known_last():
    grades = dict.fromkeys(BY_ID, "knew") | {"flash": "no", "scale": "partly", "perplexity": "no"}
    del grades["heads"], grades["verify"]
    ids = [question.id for question in choose(len(DECK), seed=7, grades=grades)]
    assert set(ids[:2]) == {"flash", "perplexity"}
    assert ids[2] == "scale"
    assert set(ids[3:5]) == {"heads", "verify"}
    assert ids[5:] == [id for id in grades if grades[id] == "knew"], "the one asked longest ago first"


def test_it_can_ask_of_some_questions_only():
    deck = [question for question in DECK if question.topic == "tokens"]
    assert {question.topic for question in choose(5, seed=1, deck=deck)} == {"tokens"}
    assert choose(5, seed=1, deck=[]) == ()


def test_grades_are_remembered_the_latest_last(tmp_path):
    grades = Grades(tmp_path / "new" / "interview.json")
    assert grades.read() == {}
    for id, grade in (("scale", "no"), ("flash", "partly"), ("scale", "knew")):
        grades.note(BY_ID[id], grade)
    assert list(grades.read().items()) == [("flash", "partly"), ("scale", "knew")]
    assert Grades(grades.path).read() == grades.read()
    assert json.loads(grades.path.read_text())["version"] == 1


def test_a_question_that_this_deck_does_not_have_is_kept_and_not_asked(tmp_path):
    path = tmp_path / "interview.json"
    path.write_text('{"version": 1, "grades": {"of-a-later-version": "no"}}')
    grades = Grades(path)
    assert choose(len(DECK), seed=1, grades=grades.read())
    grades.note(BY_ID["scale"], "knew")
    assert grades.read() == {"of-a-later-version": "no", "scale": "knew"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"grades": 1}', '{"grades": {"scale": "perhaps"}}', '{"grades": {"scale": []}}', "\xff"]
)
def test_a_file_that_is_something_else_is_left_as_it_is(text, tmp_path):
    path = tmp_path / "interview.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(GradesError, match=r"interview\.json cannot be read as an interview's grades"):
        Grades(path).note(BY_ID["scale"], "knew")
    assert path.read_text(encoding="latin-1") == text


def test_a_failure_while_writing_loses_nothing(tmp_path, monkeypatch):
    grades = Grades(tmp_path / "interview.json")
    grades.note(BY_ID["scale"], "no")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
    session = Session([BY_ID["flash"]], grades)
    with pytest.raises(OSError, match="full"):
        session.grade("knew")
    assert grades.read() == {"scale": "no"}
    assert session.question == BY_ID["flash"], "it can be graded again"


def test_a_session_goes_from_question_to_question(tmp_path):
    grades = Grades(tmp_path / "interview.json")
    questions = choose(3, seed=1)
    session = Session(questions, grades)
    for number, (question, grade) in enumerate(zip(questions, GRADES, strict=True), start=1):
        assert (session.number, session.question) == (number, question)
        with pytest.raises(ValueError, match="'well' is no grade: choose knew, partly, no"):
            session.grade("well")
        session.grade(grade)
        assert grades.read()[question.id] == grade, "at once, should the session be broken off"
    assert session.question is None
    with pytest.raises(ValueError, match="none left"):
        session.grade("knew")
    again = choose(3, seed=2, grades=grades.read())
    assert again[:2] == (questions[2], questions[1])


def test_the_summary_counts_by_topic_and_says_what_to_read(tmp_path):
    session = Session([BY_ID[id] for id in ("flash", "bytes", "scale", "conv1d", "heads")])
    for grade in ("partly", "knew", "no", "no"):
        session.grade(grade)
    summary = session.summary()
    assert summary.tallies == (Tally("tokens", 1, 0, 0), Tally("attention", 0, 1, 1), Tally("weights", 0, 0, 1))
    assert summary.total == Tally("all", 1, 1, 2)
    assert summary.total.asked == 4
    assert [(item.question.id, item.grade) for item in summary.again] == [
        ("scale", "no"),
        ("conv1d", "no"),
        ("flash", "partly"),
    ]
    for item in summary.again:
        assert item.places == tuple(f"{cite.file}:{cite.line()}" for cite in item.question.cites)


def test_a_summary_of_nothing_is_empty():
    summary = Session(choose(2, seed=1)).summary()
    assert (summary.tallies, summary.again, summary.total.asked) == ((), (), 0)


def test_a_summary_survives_edited_source():
    edited = replace(BY_ID["scale"], cites=(replace(BY_ID["scale"].cites[0], text="gone"),))
    session = Session([edited])
    session.grade("no")
    assert session.summary().again[0].places == ("model/plain.py",)
