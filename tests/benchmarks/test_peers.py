"""The other programs compute what nextword computes; those that are not installed are passed over."""

from pathlib import Path

import pytest

from benchmarks.peers import LEARNERS, SUBJECTS
from nextword.bench.learning import LOSS_TOLERANCE
from nextword.bench.machine import installed
from nextword.bench.own import Reference
from nextword.bench.subject import Learner, Subject, subject_class
from nextword.bench.weights import random_weights
from nextword.bench.worker import SubjectError, Worker
from nextword.bench.writing import TOLERANCE, compare

PROMPTS = [list(range(100, 112)), [7, 50000, 13, 5, 800]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A GPT-2 of full width, since its formats' groups need that, but with one block and random biases."""
    return random_weights(tmp_path_factory.mktemp("weights"), n_layer=1)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def reference(weights: str) -> Reference:
    reference = Reference()
    reference.load(weights, "", "float32", 1, 1)
    return reference


def present(name: str) -> type[Subject]:
    subject = subject_class(name)
    missing = [package for package in subject.needs if installed(package) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed: make bench installs it")
    return subject


def worker(name: str) -> Worker:
    """As in the benchmark, a program is alone in its process: their libraries do not get on with each other."""
    return Worker(name, 1, {"PYTHONPATH": str(Path(__file__).parents[2]), "HF_HUB_OFFLINE": "1"})


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_peer_computes_the_same(name: str, weights: str, scratch: str, reference: Reference) -> None:
    for precision in present(name).precisions:
        with worker(name) as peer:
            try:
                peer.call("prepare", weights, scratch, precision)
            except SubjectError as error:
                if "does not compute in" not in str(error):  # as this processor may not
                    raise
                continue
            peer.call("load", weights, scratch, precision, 1, 2)
            error, _ = compare(reference.logits(PROMPTS[0]), peer.call("logits", PROMPTS[0]).value)
            assert error < TOLERANCE[precision], precision
            if precision == "float32":
                for prompts, n_tokens in ((PROMPTS, 3), (PROMPTS[:1], 1)):
                    assert peer.call("write", prompts, n_tokens).value == reference.write(prompts, n_tokens)


@pytest.mark.parametrize("name", LEARNERS)
def test_learners_see_the_same_batches_and_loss(name: str, weights: str, scratch: str, tmp_path: Path) -> None:
    learner: type[Learner] = present(name)  # type: ignore[assignment]
    text = tmp_path / "text.txt"
    text.write_text("one two three four " * 200)
    done = learner().train(weights, str(text), scratch, 2, 16, 2, 1)
    assert len(done["seconds"]) == 2
    assert done["losses"][0] == pytest.approx(first_loss(weights, str(text)), abs=LOSS_TOLERANCE)
    assert done["losses"][1] < done["losses"][0]


def first_loss(weights: str, text: str) -> float:
    """The loss before the first update, by nextword's own training."""
    from nextword.bench.own import NextwordTraining

    scratch = Path(text).parent
    return NextwordTraining().train(weights, text, str(scratch), 2, 16, 1, 1)["losses"][0]
