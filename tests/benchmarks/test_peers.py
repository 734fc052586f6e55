"""The other programs compute what nextword computes; those that are not installed are passed over."""

from pathlib import Path

import pytest
import torch

from benchmarks.peers import TRAINERS, WRITERS
from nextword.bench.learning import LOSS_TOLERANCE
from nextword.bench.machine import installed
from nextword.bench.own import PlainTwin
from nextword.bench.program import TrainingProgram, WritingProgram, program_class
from nextword.bench.worker import ProgramError, Worker
from nextword.bench.writing import TOLERANCE, compare
from nextword.model import GPT, GPTConfig
from nextword.weights import save_huggingface

PROMPTS = [list(range(100, 112)), [7, 50000, 13, 5, 800]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One block, as narrow as its formats' groups allow: bfloat16 is slow where a processor does not know it."""
    directory = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    save_huggingface(GPT(GPTConfig(n_embd=256, n_head=4, n_layer=1)), directory)
    return str(directory)


@pytest.fixture(scope="module")
def narrow_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Narrower still, for who reads them as they are."""
    directory = tmp_path_factory.mktemp("narrow")
    torch.manual_seed(1)
    save_huggingface(GPT(GPTConfig(n_ctx=64, n_embd=64, n_head=2, n_layer=1)), directory)
    return str(directory)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def reference(weights: str) -> PlainTwin:
    reference = PlainTwin()
    reference.load(weights, "", "float32", 1, 1)
    return reference


def present(name: str) -> type[WritingProgram]:
    program = program_class(name)
    missing = [package for package in program.needs if installed(package) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed: make bench installs it")
    return program


def worker(name: str) -> Worker:
    """As in the benchmark, a program is alone in its process: their libraries do not get on with each other."""
    return Worker(name, 1, {"PYTHONPATH": str(Path(__file__).parents[2]), "HF_HUB_OFFLINE": "1"})


@pytest.mark.parametrize("name", WRITERS)
def test_a_peer_computes_the_same(name: str, weights: str, scratch: str, reference: PlainTwin) -> None:
    precisions = present(name).precisions
    with worker(name) as peer:
        for precision in precisions:
            try:
                peer.call("prepare", weights, scratch, precision)
            except ProgramError as error:
                if "does not compute in" not in str(error):  # as this processor may not
                    raise
                continue
            peer.call("load", weights, scratch, precision, 1, 2)
            error, _ = compare(reference.logits(PROMPTS[0]), peer.call("logits", PROMPTS[0]).value)
            assert error < TOLERANCE[precision], precision
            if precision == "float32":
                for prompts, n_tokens in ((PROMPTS, 3), (PROMPTS[:1], 1)):
                    assert peer.call("write", prompts, n_tokens).value == reference.write(prompts, n_tokens)


@pytest.mark.parametrize("name", TRAINERS)
def test_learners_see_the_same_batches_and_loss(name: str, narrow_weights: str, scratch: str, tmp_path: Path) -> None:
    learner: type[TrainingProgram] = present(name)  # type: ignore[assignment]
    text = tmp_path / "text.txt"
    text.write_text("one two three four " * 200)
    done = learner().train(narrow_weights, str(text), scratch, 2, 16, 2, 1)
    assert len(done["seconds"]) == 2
    assert done["losses"][0] == pytest.approx(first_loss(narrow_weights, str(text)), abs=LOSS_TOLERANCE)
    assert done["losses"][1] < done["losses"][0]


def first_loss(weights: str, text: str) -> float:
    """The loss before the first update, by nextword's own training."""
    from nextword.bench.own import NextwordTraining

    scratch = Path(text).parent
    return NextwordTraining().train(weights, text, str(scratch), 2, 16, 1, 1)["losses"][0]
