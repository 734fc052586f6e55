"""A sound model passes, and each thing that can be wrong is found by the check for it."""

from collections.abc import Callable

import pytest
import torch

from nextword.evaluate.references import LayerReference, by_float64, by_transformers
from nextword.evaluate.verification import TORTURE, WRITES, Check, tokenizing, verify
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer
from nextword.weights import save_huggingface


@pytest.fixture
def small() -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(n_ctx=32, n_embd=12, n_head=3, n_layer=2)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "wte" not in name:
                parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return model


def failed(model: GPT, references: list[LayerReference], name: str = "mine") -> list[str]:
    return [check.name for check in verify(name, model, Tokenizer(), references) if check.passed is False]


def test_a_sound_model_passes(small: GPT, tmp_path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    save_huggingface(small, tmp_path)
    references = [by_float64(small), by_transformers(small, tmp_path), by_transformers(small, None)]
    checks = list(verify("mine", small, Tokenizer(), references, [tmp_path / "model.safetensors"]))
    assert [check for check in checks if check.passed is False] == []
    by_layer = [check.name.partition(",")[0] for check in checks if "beside transformers" in check.name]
    assert by_layer == ["embeddings", "block 1", "ln_f", "logits"] * 2
    assert any(check.name == "SHA-256 of model.safetensors" and len(check.found) == 64 for check in checks)


def test_a_forgotten_transpose_is_found_in_its_layer(small: GPT) -> None:
    exact = by_float64(small)
    with torch.no_grad():
        small.block(1).attn.c_proj.weight.copy_(small.block(1).attn.c_proj.weight.T.clone())
    found = failed(small, [exact])
    assert found == [f"{layer}, beside {exact.name}" for layer in ("ln_f", "logits")]  # block 1 is before it


@pytest.mark.parametrize(
    "change, name",
    [
        (lambda o: o + 0.1 * o.mean(-2, keepdim=True), "no token sees a later one"),
        (lambda o: o + 0.1 * o.mean(0, keepdim=True), "in a batch as alone"),
        (lambda o: o + 0.1 * o.size(-2), "with a KV cache as without"),
    ],
)
def test_what_depends_on_what_it_must_not_is_found(small: GPT, change: Callable, name: str) -> None:
    small.ln_f.register_forward_hook(lambda module, inputs, output: change(output))
    assert name in failed(small, [])


def test_numbers_that_are_none_are_found(small: GPT) -> None:
    with torch.no_grad():
        small.wpe.weight[31, 0] = torch.nan
    [found] = [check for check in verify("mine", small, Tokenizer(), []) if check.name == "parameters"]
    assert found.passed is False
    assert "some are NaN or infinite" in found.found


def test_a_tokenizer_that_loses_something_is_found() -> None:
    class Losing(Tokenizer):
        def encode(self, text: str, allow_special: bool = False) -> list[int]:
            return super().encode(text.replace("\r", ""), allow_special)

    assert all(check.passed for check in tokenizing(Tokenizer()))
    assert [check.passed for check in tokenizing(Losing())] == [False, False]
    assert any("\r" in text for text in TORTURE)


def test_the_official_model_has_to_write_what_it_is_known_to_write(small: GPT) -> None:
    *_, last = verify("gpt2", small, Tokenizer(), [])
    assert last.passed is False
    assert last != Check("greedy text of the official 124M", repr(WRITES))


def test_an_engine_that_computes_something_else_is_found(small: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    from nextword.decode.torch_engine import TorchEngine

    forward = TorchEngine.forward
    monkeypatch.setattr(TorchEngine, "forward", lambda self, chunks: [1.2 * x for x in forward(self, chunks)])
    assert failed(small, []) == ["engine torch, float32", "engine torch, bfloat16"]
