from pathlib import Path

import numpy as np
import pytest
import torch
from reference import theirs

from nextword.decode import Sampling
from nextword.decode.native_engine import NativeEngine
from nextword.decode.torch_engine import TorchEngine
from nextword.model import GPT, GPTConfig
from nextword.native import library
from nextword.native.packing import PACKED, pack
from nextword.weights import save_huggingface
from nextword.weights.directory import open_model

pytestmark = pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")

GREEDY = Sampling(temperature=0)


def greedy(engine: NativeEngine, row: int, ids: list[int], n: int) -> list[int]:
    engine.read(row, ids)
    return engine.write([row], GREEDY, np.zeros((n, 1)))[:, 0].tolist()


def test_it_writes_what_transformers_writes(model: GPT) -> None:
    prompt = [5, 9, 2]
    expected = theirs(model).generate(torch.tensor([prompt]), max_new_tokens=13, do_sample=False, pad_token_id=0)
    assert greedy(NativeEngine.from_model(model), 0, prompt, 13) == expected[0, 3:].tolist()


def test_it_writes_what_the_torch_writer_writes_on_rows_of_different_lengths(model: GPT) -> None:
    numbers = np.random.default_rng(0).random((6, 3))
    results = []
    for engine in (NativeEngine.from_model(model, 4), TorchEngine(model, 4)):
        for row, text in ((0, [1, 2, 3, 4, 5]), (3, [7] * 10), (1, [9])):
            engine.read(row, text)
        first = engine.write([3, 0], Sampling(1.0, 20, 0.9), numbers[:2, :2])
        second = engine.write([0, 3, 1], Sampling(1.0, None, 1.0), numbers[2:])
        results.append((first.tolist(), second.tolist(), [engine.remaining(row) for row in (0, 1, 3)]))
        results[-1] += (engine.next_logits([3])[3].round(4).tolist(),)
    assert results[0][:3] == results[1][:3]
    np.testing.assert_allclose(results[0][3], results[1][3], atol=1e-3)


def test_a_prompt_of_many_passes_is_read_like_one_of_few(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = list(range(16))
    whole = NativeEngine.from_model(model)
    whole.read(0, ids)
    monkeypatch.setattr(NativeEngine, "chunk_tokens", 5)
    in_parts = NativeEngine.from_model(model)
    in_parts.read(0, ids)
    np.testing.assert_allclose(in_parts.next_logits([0])[0], whole.next_logits([0])[0], atol=1e-5)


def test_reading_anew_forgets_the_pending_token(model: GPT) -> None:
    engine = NativeEngine.from_model(model)
    once = greedy(engine, 0, [1, 2], 4)
    assert greedy(engine, 0, [1, 2], 4) == once


def test_room_is_what_can_be_written(model: GPT) -> None:
    engine = NativeEngine.from_model(model)
    engine.read(0, list(range(14)))
    assert engine.remaining(0) == 3
    engine.write([0], GREEDY, np.zeros((3, 1)))
    assert engine.remaining(0) == 0
    with pytest.raises(ValueError, match="row 0 has room for 0 tokens, not for 1"):
        engine.write([0], GREEDY, np.zeros((1, 1)))
    with pytest.raises(ValueError, match="row 0 holds 16 tokens and cannot see one more"):
        engine.next_logits([0])[0]


@pytest.mark.parametrize("format", ["float32", "bfloat16", "int8", "int4"])
def test_from_files_it_computes_what_a_network_of_these_numbers_does(model: GPT, tmp_path: Path, format: str) -> None:
    save_huggingface(model, tmp_path)
    stored = open_model(tmp_path)
    quantize = format if format.startswith("int") else None
    engine = NativeEngine.from_stored(stored, dtype=None if quantize else format, quantize=quantize)
    engine.read(0, [3, 1, 4, 1, 5])
    with torch.no_grad():
        expected = theirs(model)(torch.tensor([[3, 1, 4, 1, 5]])).logits[0, -1].numpy()
    error = np.abs(engine.next_logits([0])[0] - expected).max() / np.abs(expected).max()
    assert error < {"float32": 1e-5, "bfloat16": 0.03, "int8": 0.05, "int4": 0.5}[format]
    assert engine.format == format


def test_fewer_bits_are_fewer_bytes() -> None:
    model = GPT(GPTConfig(n_vocab=640, n_ctx=8, n_embd=256, n_head=4, n_layer=1))
    weights = [p.detach().numpy() for name, p in model.named_parameters() if p.dim() == 2 and name != "wpe.weight"]
    sizes = [sum(weight.nbytes for weight in weights)]
    for format in ("bfloat16", "int8", "int4"):
        packed = [pack(weight, PACKED[format]) for weight in weights]
        sizes.append(sum(matrix.values.nbytes + matrix.scales.nbytes for matrix in packed))
    matrices = 640 * 256 + 12 * 256 * 256
    assert sizes[0] == 4 * matrices
    assert sizes[1] == 2 * matrices
    assert sizes[2] == pytest.approx(matrices, rel=0.03)
    assert sizes[3] == pytest.approx(4.5 / 8 * matrices, rel=0.01)


@pytest.mark.parametrize(
    ("ids", "message"),
    [([], "1 to n_ctx = 16"), ([0] * 17, "1 to n_ctx = 16"), ([61], "id 61 is outside"), ([-1], "id -1 is outside")],
)
def test_ids_that_cannot_be_read_are_refused(model: GPT, ids: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NativeEngine.from_model(model).read(0, ids)


def test_rows_that_are_not_there_or_hold_nothing_are_refused(model: GPT) -> None:
    engine = NativeEngine.from_model(model, 2)
    with pytest.raises(ValueError, match="no row 2: this engine has the rows 0 to 1"):
        engine.read(2, [1])
    with pytest.raises(ValueError, match="row 1 has read nothing yet"):
        engine.write([1], GREEDY, np.zeros((1, 1)))
    with pytest.raises(ValueError, match="row 1 has read nothing yet"):
        engine.next_logits([1])[1]
    with pytest.raises(ValueError, match="n_rows must be at least 1"):
        NativeEngine.from_model(model, 0)
