from pathlib import Path

import pytest
import torch
from conftest import TINY, randomize
from reference import theirs

from nextword.errors import RunError
from nextword.model import GPT
from nextword.train import attention_log
from nextword.train.attention_log import AttentionLog

IDS = torch.tensor([3, 14, 15, 9, 26, 5, 35])


@pytest.fixture
def model() -> GPT:
    model = GPT(TINY)
    randomize(model)
    return model


@pytest.fixture
def kept(tmp_path: Path) -> AttentionLog:
    return AttentionLog(tmp_path / "attention")


def test_before_the_first_look(kept: AttentionLog) -> None:
    assert (kept.steps(), kept.text()) == ([], [])
    with pytest.raises(RunError, match="Nobody looked at the attention after step 3; steps that are kept: none"):
        kept.read(3, 0, 0)


def test_what_is_kept_is_where_the_heads_looked(kept: AttentionLog, model: GPT) -> None:
    """By transformers, eager."""
    peer = theirs(model).eval()
    peer.set_attn_implementation("eager")
    expected = peer(IDS[None], output_attentions=True).attentions
    model.train()
    kept.add(20, model, IDS)
    assert model.training
    assert (kept.steps(), kept.text()) == ([20], IDS.tolist())
    for layer in range(2):
        for head in range(3):
            torch.testing.assert_close(kept.read(20, layer, head), expected[layer][0, head], rtol=0, atol=1e-3)


def test_of_a_long_text_the_beginning_is_read(kept: AttentionLog, model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.add(0, model, IDS.repeat(5))  # 35 tokens, where the model has room for 16
    assert kept.read(0, 0, 0).shape == (16, 16)
    monkeypatch.setattr(attention_log, "TOKENS", 4)
    kept.add(1, model, IDS)
    assert kept.text() == IDS[:4].tolist()


def test_a_long_run_keeps_its_first_look_and_its_last(
    kept: AttentionLog, model: GPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_log, "KEPT", 4)
    for step in range(0, 90, 10):
        kept.add(step, model, IDS[:2])
        assert len(kept.steps()) <= 4
        assert kept.steps()[0] == 0
        assert kept.steps()[-1] == step


def test_rewinding_forgets_later_looks(kept: AttentionLog, model: GPT) -> None:
    for step in (0, 10, 20):
        kept.add(step, model, IDS)
    kept.rewind(10)
    assert kept.steps() == [0, 10]


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (0, 3), (-1, 0), (0, -1)])
def test_a_head_that_is_not_there(kept: AttentionLog, model: GPT, layer: int, head: int) -> None:
    kept.add(5, model, IDS)
    with pytest.raises(RunError, match=f"no head {head} in layer {layer}: there are 2 layers of 3 heads"):
        kept.read(5, layer, head)


def test_a_damaged_file_is_named(kept: AttentionLog, model: GPT) -> None:
    kept.add(5, model, IDS)
    [file] = kept._folder.iterdir()
    file.write_bytes(b"half a file")
    with pytest.raises(RunError, match=r"step-00000005.safetensors cannot be read \("):
        kept.read(5, 0, 0)
