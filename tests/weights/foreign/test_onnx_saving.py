"""The ONNX graph computes what the model does: whole, with a cache, and with rows that are padded."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nextword.cli.main import run
from nextword.model import GPT, GPTConfig
from nextword.weights import save_huggingface
from nextword.weights.foreign.onnx_saving import largest_difference, save_onnx

pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install onnxruntime")


@pytest.fixture
def file(model: GPT, tmp_path: Path) -> Path:
    save_onnx(model, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_with_a_cache_it_is_the_model(model: GPT, file: Path) -> None:
    gap, scale = largest_difference(model, file)
    assert gap < 1e-4 * scale


def test_its_inputs_and_outputs_are_named_as_transformers_js_expects(file: Path) -> None:
    session = onnxruntime.InferenceSession(str(file))
    past = [f"past_key_values.{layer}.{part}" for layer in range(2) for part in ("key", "value")]
    assert [one.name for one in session.get_inputs()] == ["input_ids", "attention_mask", "position_ids", *past]
    present = [name.replace("past_key_values", "present") for name in past]
    assert [one.name for one in session.get_outputs()] == ["logits", *present]


def test_what_fills_a_row_up_is_not_seen(model: GPT, file: Path, ids: torch.Tensor) -> None:
    """Padding stands on the left, as transformers.js has it: the positions begin after it."""
    session = onnxruntime.InferenceSession(str(file))
    n, pad = 9, 3
    padded = np.concatenate((np.zeros((2, pad), np.int64), ids[:, :n].numpy()), axis=1)
    seen = np.concatenate((np.zeros((2, pad), np.int64), np.ones((2, n), np.int64)), axis=1)
    places = np.maximum(seen.cumsum(1) - 1, 0)
    past = {one.name: np.zeros((2, 3, 0, 4), np.float32) for one in session.get_inputs()[3:]}
    given = {"input_ids": padded, "attention_mask": seen, "position_ids": places}
    logits = session.run(["logits"], given | past)[0]
    expected = model(ids[:, :n]).detach().numpy()
    np.testing.assert_allclose(logits[:, pad:], expected, atol=1e-4 * np.abs(expected).max())


def test_a_changed_graph_is_not_said_to_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    save_huggingface(GPT(GPTConfig(n_ctx=16, n_embd=8, n_head=2, n_layer=1)), tmp_path / "mine")
    assert run(["export", str(tmp_path / "mine"), "--to", "onnx", "--out", str(tmp_path / "out")]) == 0
    assert "By onnxruntime, with a cache, it is off by " in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"config.json", "tokenizer.json", "onnx"}
    monkeypatch.setattr("nextword.weights.foreign.onnx_saving.math.sqrt", lambda x: 1.1 * x**0.5)
    assert run(["export", str(tmp_path / "mine"), "--to", "onnx", "--out", str(tmp_path / "wrong")]) == 2
    assert "which is no rounding" in capsys.readouterr().err
