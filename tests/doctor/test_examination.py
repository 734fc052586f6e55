"""Reviews of models that are wrong in ways of their own, or other by design."""

from pathlib import Path

import pytest

from nextword.doctor.examination import examine
from nextword.doctor.findings import DoctorError
from nextword.doctor.review import Review
from nextword.learn.checker.lines import text_of
from nextword.learn.checker.styles import Style

MODELS = Path(__file__).parent / "models"


def changed(model: str, *changes: tuple[str, str]) -> str:
    """One of the model files without its plantable mistakes, with some text in it changed."""
    text = Style("whole", model, (MODELS / f"{model}.py").read_text(encoding="utf-8")).source()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def review_of(folder: Path, text: str, symbol: str = "", make: str | None = None) -> Review:
    file = folder / "theirs.py"
    file.write_text(text, encoding="utf-8")
    return examine(f"{file}{symbol}", make, pair_seconds=0.5)


def finding(review: Review, name: str) -> str:
    """A finding as it is read."""
    found = next(one for one in review.findings if one.name == name)
    return text_of([((found.level, ""), (f": {found.title}", "")), *found.evidence])


def test_transformers_own() -> None:
    review = examine("transformers:GPT2LMHeadModel")
    assert review.names == ()
    assert [one.name for one in review.findings] == ["cross_entropy.shifted-again"]
    assert "at GPT-2's size it has GPT-2's 124,439,808 parameters exactly" in review.sound


def test_our_own_by_expression() -> None:
    config = "GPTConfig(n_vocab, n_ctx, n_embd, n_head, n_layer, dropout)"
    review = examine("nextword.model.gpt", f"GPT({config})")
    assert (review.names, review.findings) == ((), ())


def test_our_own_keeps_the_contract() -> None:
    review = examine("nextword.model.gpt:GPT")
    assert (review.findings, review.contract) == ((), True)
    assert review.next().startswith("train it (nextword train --model nextword.model.gpt:GPT)")


def test_an_expression_with_numbers_in_it_is_enough(tmp_path: Path) -> None:
    make = "GPT(GPTConfig(16, 61, 2, 3, 12))"
    review = review_of(tmp_path, changed("single_file"), make=make)
    assert review.names == ()
    assert "in this size it has GPT-2's 4,716 parameters exactly" in review.sound


def test_what_is_other_by_design_is_fine(tmp_path: Path) -> None:
    review = review_of(tmp_path, changed("single_file", ("bias: bool = True", "bias: bool = False")))
    assert review.names == ()
    assert {one.name: one.level for one in review.findings} == {
        "last-position-shortcut": "fine",
        "biases-missing": "fine",
        "norm-bias-missing": "fine",
        "parameter-count": "fine",
    }


def test_a_part_that_nobody_knows_is_located(tmp_path: Path) -> None:
    bent = changed("single_file", ("x = self.gelu(x)", "x = torch.sin(x)"))
    review = review_of(tmp_path, bent)
    assert review.names == ("unexplained",)
    assert "With the MLPs silent it agrees, with attention silent it does not: look at the MLP" in finding(
        review, "unexplained"
    )
    attending = changed("single_file", ("is_causal=True", "is_causal=True, scale=0.3"))
    assert "With attention silent it agrees" in finding(review_of(tmp_path, attending), "unexplained")


def test_blocks_that_are_not_as_many_as_asked_for(tmp_path: Path) -> None:
    fixed = changed("single_file", ("range(config.n_layer)", "range(3)"))
    review = review_of(tmp_path, fixed)
    assert review.names[0] == "block-extra"
    assert "Asked for 2 blocks, it makes 3." in finding(review, "block-extra")


def test_a_parameter_that_is_never_used(tmp_path: Path) -> None:
    idle = changed(
        "single_file", ("self.lm_head = ", "self.spare = nn.Linear(3, 4, bias=False)\n        self.lm_head = ")
    )
    review = review_of(tmp_path, idle)
    assert review.names == ("no-gradient",)
    assert "No gradient: spare.weight." in finding(review, "no-gradient")
    assert "spare.weight" in finding(review, "extra-parameters")


def test_a_forward_that_raises_is_shown_with_its_line(tmp_path: Path) -> None:
    broken = changed("lecture", ("x = tok_emb + pos_emb", "x = tok_emb + pos_emb.T"))
    review = review_of(tmp_path, broken)
    assert review.names == ("raises",)
    assert "x = tok_emb + pos_emb.T" in text_of(review.lines())


def test_which_class_is_meant(tmp_path: Path) -> None:
    review = review_of(tmp_path, changed("single_file"), ":Block")
    assert "Block is a part: name the whole" in text_of(review.lines())
    with pytest.raises(DoctorError, match=r"theirs.py has no GTP. Did you mean GPT\?"):
        review_of(tmp_path, changed("single_file"), ":GTP")
    twice = (
        changed("single_file")
        + "\n\nclass Other(nn.Module):\n"
        + changed("single_file").split("class GPT(nn.Module):\n")[1]
    )
    with pytest.raises(
        DoctorError, match=r"several classes that give logits \(GPT, Other\). Name one: .*theirs.py:Other"
    ):
        review_of(tmp_path, twice)
    with pytest.raises(DoctorError, match=r"theirs.py defines no torch.nn.Module"):
        review_of(tmp_path, "x = 5\n")


def test_a_program_reads_what_a_person_reads(tmp_path: Path) -> None:
    style = Style("whole", "lecture", (MODELS / "lecture.py").read_text(encoding="utf-8"))
    review = review_of(tmp_path, style.source("scale-missing"))
    as_json = review.as_json()
    assert (as_json["version"], as_json["class"], as_json["sound"]) == (1, "GPTLanguageModel", False)
    first = as_json["findings"][0]
    assert (first["level"], first["name"]) == ("wrong", "scale-missing")
    number, source = first["place"]["lines"][0]
    assert source == "wei = q @ k.transpose(-2, -1)"
    assert (tmp_path / "theirs.py").read_text(encoding="utf-8").splitlines()[number - 1].strip() == source
    assert as_json["text"].startswith("GPTLanguageModel in ")
    assert Review.unpacked(review.packed()) == review
