"""The same random weights in TransformerLens, whose names for what a pass makes differ, and whose numbers must not."""

from pathlib import Path

import pytest
import torch
from conftest import randomize

from nextword.lens import ablate, direct_logit_attribution, trace
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer
from nextword.tokenizer.training import train_vocabulary
from nextword.weights import save_huggingface

pytest.importorskip(
    "transformer_lens",
    reason="TransformerLens is not installed; nextword does not need it, and here it is only compared with: "
    "pip install transformer-lens",
)


@pytest.fixture
def model() -> GPT:
    """With GPT-2's whole vocabulary, since TransformerLens wants the tokenizer to the model."""
    model = GPT(GPTConfig(n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)).eval()
    randomize(model)
    return model


def bridged(directory: Path) -> object:
    """Open a directory in TransformerLens."""
    from transformer_lens.model_bridge import TransformerBridge

    return TransformerBridge.boot_transformers(str(directory), device="cpu")


@pytest.fixture
def hooked(model: GPT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """TransformerLens' view of our weights, by way of a directory."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    save_huggingface(model, tmp_path)
    bridge = bridged(tmp_path)
    bridge.set_use_attn_result(True)
    return bridge


SAME = {
    "hook_resid_pre": "resid_pre",
    "hook_resid_mid": "resid_mid",
    "hook_resid_post": "resid_post",
    "hook_attn_out": "attn.out",
    "hook_mlp_out": "mlp.out",
    "ln1.hook_scale": "ln_1.scale",
    "ln2.hook_scale": "ln_2.scale",
    "attn.hook_pattern": "attn.weights",
    "mlp.hook_pre": "mlp.pre",
    "mlp.hook_post": "mlp.post",
}
HEADS_BEHIND = {
    "attn.hook_q": "attn.q",
    "attn.hook_k": "attn.k",
    "attn.hook_v": "attn.v",
    "attn.hook_z": "attn.y",
    "attn.hook_result": "attn.head_out",
}


def test_everything_it_has_a_name_for(hooked: object, model: GPT, ids: torch.Tensor) -> None:
    logits, cache = hooked.run_with_cache(ids)  # type: ignore[attr-defined]
    traced = trace(model, ids)
    pairs = {"logits": logits, "ln_f.scale": cache["ln_final.hook_scale"]}
    for layer in range(model.config.n_layer):
        pairs |= {f"h.{layer}.{ours}": cache[f"blocks.{layer}.{name}"] for name, ours in SAME.items()}
        # With them heads stand behind positions: (B, T, H, D).
        pairs |= {
            f"h.{layer}.{ours}": cache[f"blocks.{layer}.{name}"].transpose(1, 2) for name, ours in HEADS_BEHIND.items()
        }
    assert len(pairs) == 2 + 2 * 15
    for name, expected in pairs.items():
        torch.testing.assert_close(traced[name], expected, rtol=1e-4, atol=2e-5, msg=name)


def test_its_direct_logit_attribution(hooked: object, model: GPT, ids: torch.Tensor) -> None:
    """Theirs leaves the norm's weight to be folded in, so it is asked for the stream's parts, and we do the rest."""
    _, cache = hooked.run_with_cache(ids[:1])  # type: ignore[attr-defined]
    parts, labels = cache.get_full_resid_decomposition(
        layer=-1, mlp_input=False, expand_neurons=False, apply_ln=True, pos_slice=-1, return_labels=True
    )
    direction = model.ln_f.weight * model.wte.weight[9]
    found = dict(zip(labels, (parts[:, 0] @ direction).tolist(), strict=True))
    ours = direct_logit_attribution(model, ids[:1], 9)
    named = dict(zip(ours.axes[0].labels, ours.values.tolist(), strict=True))
    for layer in range(2):
        for head in range(3):
            assert named[f"h.{layer}.attn head {head}"] == pytest.approx(found[f"L{layer}H{head}"], rel=1e-3, abs=1e-4)
        assert named[f"h.{layer}.mlp"] == pytest.approx(found[f"{layer}_mlp_out"], rel=1e-3, abs=1e-4)
    assert named["embed"] == pytest.approx(found["embed"] + found["pos_embed"], rel=1e-3, abs=1e-4)


def test_its_ablation_by_hooks(hooked: object, model: GPT, ids: torch.Tensor) -> None:
    def silent(z: torch.Tensor, hook: object) -> torch.Tensor:
        z[:, :, 2] = 0
        return z

    def nothing(out: torch.Tensor, hook: object) -> torch.Tensor:
        return torch.zeros_like(out)

    expected = hooked.run_with_hooks(  # type: ignore[attr-defined]
        ids, fwd_hooks=[("blocks.1.attn.hook_z", silent), ("blocks.0.hook_mlp_out", nothing)]
    )
    found = ablate(model, ids, heads=[(1, 2)], mlps=[0])
    torch.testing.assert_close(found.logits, expected, rtol=1e-4, atol=2e-5)


def test_a_vocabulary_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    text = "The goat stood at the bow, naïvely, and looked ahead: 12 345 wagons! 字字\n\n"
    vocabulary = train_vocabulary([text], 280, "gpt4")
    model = GPT(GPTConfig(n_vocab=280, n_ctx=64, n_embd=12, n_head=3, n_layer=2, dropout=0.0)).eval()
    randomize(model)
    model.vocabulary = vocabulary
    save_huggingface(model, tmp_path)
    bridge = bridged(tmp_path)
    ids = Tokenizer(vocabulary).encode(text)
    assert bridge.to_tokens(text, prepend_bos=False).tolist() == [ids]  # type: ignore[attr-defined]
    theirs = bridge(torch.tensor([ids]))  # type: ignore[operator]
    torch.testing.assert_close(theirs, model(torch.tensor([ids])), rtol=1e-4, atol=2e-5)
