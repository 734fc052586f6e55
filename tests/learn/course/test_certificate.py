from datetime import date

from nextword.learn.checker.track import TRACK
from nextword.learn.course.certificate import Certificate, in_words
from nextword.learn.course.graduation import Graduation
from nextword.learn.course.progress import Record

SEEN = Graduation(
    error=1.2e-6,
    n_params=124_439_808,
    first_loss=5.1,
    last_loss=0.02,
    steps=240,
    prompt="Once",
    written=" upon\n\na time",
    recalled=0.9,
    notes=("gelu is ours",),
)


def certificate(**records: Record) -> str:
    return Certificate(SEEN, records, date(2026, 3, 4)).markdown()


def test_it_tells_what_was_built_and_overcome() -> None:
    passed = Record(passed=True, mistakes={"unbiased-variance": 2})
    text = certificate(layer_norm=passed, gelu=Record(passed=False, mistakes={"erf": 1}))
    assert f"1 of {len(TRACK)} exercises" in text
    assert "04 March 2026" in text
    assert "- LayerNorm: it was a LayerNorm with the unbiased variance" in text
    assert "erf" not in text
    assert "- parts: LayerNorm\n" in text


def test_the_writing_is_a_quotation() -> None:
    assert "> **Once**\n>\n>  upon\n>\n> a time\n" in certificate()


def test_what_is_not_by_hand_is_said() -> None:
    assert "## Not by hand\n\n- gelu is ours" in certificate()


def test_the_number_of_parameters_is_compared() -> None:
    assert in_words(124_439_808) == "124,439,808, as many as the official model"
    assert in_words(163_037_184) == "163,037,184, the official model has -38,597,376"


def test_solutions_that_were_looked_at_are_counted_and_named() -> None:
    records = {"layer_norm": Record(passed=True, solution_seen=True), "gelu": Record(passed=True)}
    text = certificate(**records)
    assert "| solutions looked at before the exercise passed | 1 of 2 |" in text
    assert "With a look at the solution: LayerNorm." in text
    assert "With a look" not in certificate(gelu=Record(passed=True))
