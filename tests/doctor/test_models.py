"""Three GPT-2s in the styles of popular tutorials: each mistake planted in them is found as itself, and none else."""

from pathlib import Path

import pytest

from nextword.doctor import training
from nextword.doctor.examination import examine
from nextword.doctor.findings import Findings
from nextword.doctor.review import Review
from nextword.learn.checker.styles import Style

MODELS = Path(__file__).parent / "models"
STYLES = {
    file.stem: Style("whole", file.stem, file.read_text(encoding="utf-8")) for file in sorted(MODELS.glob("*.py"))
}
PLANTED = [(name, mistake) for name, style in STYLES.items() for mistake in style.mistakes]

NOT_WRONG = {"eps=1e-6", "eps=1e-8", "keeps-the-last", "log-softmax-applied", "head-untied"}
"""Mistakes that are called worth a look."""


def review_of(name: str, mistake: str | None, folder: Path) -> Review:
    file = folder / f"{name}.py"
    file.write_text(STYLES[name].source(*filter(None, [mistake])), encoding="utf-8")
    return examine(str(file), pair_seconds=0.0)


@pytest.mark.parametrize("name", STYLES)
def test_a_sound_model_is_not_accused(name: str, tmp_path: Path) -> None:
    review = review_of(name, None, tmp_path)
    assert review.names == ()
    assert "its logits are GPT-2's in all 13 experiments" in review.sound


@pytest.mark.parametrize(("name", "mistake"), PLANTED, ids=[f"{name}-{mistake}" for name, mistake in PLANTED])
def test_a_planted_mistake_is_found_as_itself(
    name: str, mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "by_heart", lambda module, call: Findings())  # takes longer than all the rest
    review = review_of(name, mistake, tmp_path)
    if mistake in NOT_WRONG:
        assert review.names == ()
        assert mistake in [finding.name for finding in review.findings if finding.level == "look"]
    else:
        assert review.names == (mistake,)


def test_many_mistakes_are_planted_in_each() -> None:
    assert {name: len(style.mistakes) >= 12 for name, style in STYLES.items()} == dict.fromkeys(STYLES, True)
    assert len({mistake for _, mistake in PLANTED}) >= 60
