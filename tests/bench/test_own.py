from pathlib import Path

import pytest
import torch

from nextword.bench.benchmark import NEXTWORD
from nextword.bench.own import Nextword, NextwordTraining, PlainTwin
from nextword.bench.program import program_class
from nextword.decode.engines import ENGINES
from nextword.model import GPT, GPTConfig
from nextword.native import library
from nextword.weights import save_huggingface


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model")
    save_huggingface(GPT(GPTConfig(n_ctx=64, n_embd=16, n_head=2, n_layer=2)), path)
    return str(path)


PROMPTS = [[5, 700, 31], [9, 9, 40000, 12, 3]]


def test_nextword_writes_what_the_plain_twin_writes(directory: str) -> None:
    reference, nextword = PlainTwin(), Nextword()
    reference.load(directory, "", "float32", 1, 1)
    nextword.load(directory, "", "float32", 1, 2)
    assert nextword.write(PROMPTS, 6) == reference.write(PROMPTS, 6)
    torch.testing.assert_close(
        torch.tensor(nextword.logits(PROMPTS[1])), torch.tensor(reference.logits(PROMPTS[1])), atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_can_be_measured(directory: str, engine: str) -> None:
    if engine == "native" and library() is None:
        pytest.skip("there is no C compiler here (Debian: apt install gcc)")
    program = program_class(f"{NEXTWORD}{engine.title()}")
    reference, nextword = PlainTwin(), program()
    reference.load(directory, "", "float32", 1, 1)
    nextword.load(directory, "", "float32", 1, 2)
    assert nextword.write(PROMPTS, 6) == reference.write(PROMPTS, 6)
    command = program.cold_start("DIR", "", "float32", "Hello", 1)
    assert command is not None
    assert command[-2:] == ["--engine", engine]
    assert ("int8" in program.precisions) == (engine == "native")


@pytest.mark.skipif(library() is None, reason="quantized weights need a C compiler")
@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_fewer_bits_are_what_is_asked_for(directory: str, precision: str) -> None:
    nextword = Nextword()
    nextword.load(directory, "", precision, 1, 2)
    assert nextword.engine.format == precision
    assert [len(text) for text in nextword.write(PROMPTS, 3)] == [3, 3]


@pytest.mark.parametrize(
    ("precision", "option"), [("float32", "--dtype"), ("bfloat16", "--dtype"), ("int8", "--quantize")]
)
def test_a_cold_start_is_the_command_that_a_user_types(precision: str, option: str) -> None:
    command = Nextword.cold_start("DIR", "", precision, "Hello", 1)
    assert command is not None
    assert command[3:] == [
        *("generate", "Hello", "--model", "DIR", "--device", "cpu", "--max-new-tokens", "8", "--temperature", "0"),
        *(option, precision),
    ]
    assert Nextword.cold_start("DIR", "", "float16", "Hello", 1) is None


def test_training_is_the_trainers_own(directory: str, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("one two three four " * 200)
    done = NextwordTraining().train(directory, str(text), str(tmp_path), 2, 16, 3, 1)
    assert len(done["seconds"]) == len(done["losses"]) == 3
    assert all(seconds > 0 for seconds in done["seconds"])
    assert done["losses"][0] == pytest.approx(10.8, abs=0.3)  # ln 50257: it knows nothing
    assert not list((tmp_path / "run" / "checkpoints").glob("step-*"))
