"""Other programs' checkpoints become the model that they were, or are refused in words."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextword.cli.main import run
from nextword.errors import WeightsError
from nextword.loading import load
from nextword.model import GPT, GPTConfig
from nextword.weights.foreign import import_checkpoint

CONFIG = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)


@pytest.fixture
def ours() -> GPT:
    model = GPT(CONFIG).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
    return model


def assert_same(found: GPT, expected: GPT) -> None:
    ids = torch.arange(16)[None]
    torch.testing.assert_close(found(ids), expected(ids))
    assert found.config.n_head == expected.config.n_head


def karpathys(model: GPT, prefix: str = "transformer.") -> dict[str, Tensor]:
    """nanoGPT's names: a tied head, and masks among the buffers."""
    state = {prefix + name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    masks = {f"{prefix}h.{layer}.attn.bias": torch.ones(1, 1, 16, 16).tril() for layer in range(2)}
    return state | masks | {"lm_head.weight": model.wte.weight.detach().clone()}


def nanogpts(state: dict[str, Tensor]) -> dict[str, Any]:
    args = {"n_layer": 2, "n_head": 3, "n_embd": 12, "block_size": 16, "bias": True, "vocab_size": 61, "dropout": 0.0}
    return {"model": state, "optimizer": {"state": {}}, "model_args": args, "iter_num": 5, "best_val_loss": 1.0}


def test_nanogpt(ours: GPT, tmp_path: Path) -> None:
    state = {f"_orig_mod.{name}": tensor for name, tensor in karpathys(ours).items()}
    torch.save(nanogpts(state), tmp_path / "ckpt.pt")
    found = import_checkpoint(tmp_path / "ckpt.pt")
    assert_same(found.model, ours)
    assert found.names["h.1.mlp.c_fc.bias"] == "transformer.h.1.mlp.c_fc.bias"
    assert any("nanoGPT computes GELU exactly" in note for note in found.notes)


def test_nanogpt_without_biases_and_with_a_padded_vocabulary(tmp_path: Path) -> None:
    model = GPT(GPTConfig(n_vocab=50304, n_ctx=16, n_embd=12, n_head=3, n_layer=2)).eval()
    state = {name: tensor for name, tensor in karpathys(model).items() if tensor.dim() != 1 or "weight" in name}
    torch.save(nanogpts(state), tmp_path / "ckpt.pt")
    found = import_checkpoint(tmp_path / "ckpt.pt")
    assert found.model.config.n_vocab == 50257
    ids = torch.arange(16)[None]
    torch.testing.assert_close(found.model(ids), model(ids)[..., :50257])  # a new model's biases are zeros
    assert "Of 50,304 rows of the embedding 47 stand for no token, and were left out." in found.notes
    assert "13 biases that it does not have are zeros." in found.notes


class Config:
    """As build-nanogpt saves it: an object of a class of the program's own."""

    def __init__(self) -> None:
        self.n_head, self.n_layer, self.block_size = 3, 2, 16

    def __setstate__(self, state: Any) -> None:
        raise AssertionError("code of a pickled class was run")


def test_build_nanogpt_s_config_is_read_and_not_run(ours: GPT, tmp_path: Path) -> None:
    torch.save({"model": karpathys(ours), "config": Config(), "step": 10, "val_loss": 3.0}, tmp_path / "model_10.pt")
    assert_same(import_checkpoint(tmp_path / "model_10.pt").model, ours)


class Explodes:
    """A pickle with a program in it."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("exploded"),)


@pytest.mark.parametrize("zipped", [True, False])
def test_no_program_in_a_pickle_is_run(ours: GPT, tmp_path: Path, zipped: bool, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(
        {"model": karpathys(ours), "n_head": 3, "extra": Explodes()}, "ckpt.pt", _use_new_zipfile_serialization=zipped
    )
    with pytest.raises(WeightsError, match=r"ckpt\.pt cannot be read as tensors, numbers and texts"):
        import_checkpoint("ckpt.pt")
    assert not Path("exploded").exists()


def test_mingpt_says_no_heads(ours: GPT, tmp_path: Path) -> None:
    torch.save(karpathys(ours), tmp_path / "model.pt")
    with pytest.raises(WeightsError, match="does not say how many heads there are: add `n_head`"):
        import_checkpoint(tmp_path / "model.pt")
    assert_same(import_checkpoint(tmp_path / "model.pt", n_head=3).model, ours)


def raschkas(model: GPT) -> dict[str, Tensor]:
    """LLMs-from-scratch's names: three matrices for queries, keys and values, a head of its own, masks."""
    own = dict(model.named_parameters())
    state = {"tok_emb.weight": own["wte.weight"], "pos_emb.weight": own["wpe.weight"]}
    for n in range(2):
        there, here = f"trf_blocks.{n}", f"h.{n}"
        for kind in ("weight", "bias"):
            parts = own[f"{here}.attn.c_attn.{kind}"].chunk(3)
            for name, part in zip(("query", "key", "value"), parts, strict=True):
                state[f"{there}.att.W_{name}.{kind}"] = part.clone()
            state[f"{there}.att.out_proj.{kind}"] = own[f"{here}.attn.c_proj.{kind}"]
            state[f"{there}.ff.layers.0.{kind}"] = own[f"{here}.mlp.c_fc.{kind}"]
            state[f"{there}.ff.layers.2.{kind}"] = own[f"{here}.mlp.c_proj.{kind}"]
        for number in (1, 2):
            state[f"{there}.norm{number}.scale"] = own[f"{here}.ln_{number}.weight"]
            state[f"{there}.norm{number}.shift"] = own[f"{here}.ln_{number}.bias"]
        state[f"{there}.att.mask"] = torch.ones(16, 16).triu(1)
    state |= {"final_norm.scale": own["ln_f.weight"], "final_norm.shift": own["ln_f.bias"]}
    return {name: tensor.detach().clone() for name, tensor in (state | {"out_head.weight": own["wte.weight"]}).items()}


def test_llms_from_scratch(ours: GPT, tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    torch.save(raschkas(ours), file)
    assert_same(import_checkpoint(file, n_head=3).model, ours)
    torch.save({"model_state_dict": raschkas(ours), "optimizer_state_dict": {"state": {}}}, file)
    assert_same(import_checkpoint(file, n_head=3).model, ours)
    state = raschkas(ours)
    state["out_head.weight"] += 0.1
    torch.save(state, file)
    with pytest.raises(WeightsError, match="its head is not its embedding"):
        import_checkpoint(file, n_head=3)


def test_hugging_face_s_pickle(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    sizes = {"vocab_size": 61, "n_positions": 16, "n_embd": 12, "n_head": 3, "n_layer": 2}
    config = transformers.GPT2Config(**sizes)
    theirs = transformers.GPT2LMHeadModel(config).eval()
    for name, parameter in theirs.named_parameters():
        nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(len(name)))
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    config.save_pretrained(tmp_path)
    found = import_checkpoint(tmp_path / "pytorch_model.bin")
    ids = torch.arange(16)[None]
    torch.testing.assert_close(found.model(ids), theirs(ids).logits, rtol=1e-4, atol=1e-4)
    assert any("were transposed" in note for note in found.notes)
    torch.save(
        {name: tensor.half() for name, tensor in theirs.half().state_dict().items()}, tmp_path / "pytorch_model.bin"
    )
    found = import_checkpoint(tmp_path / "pytorch_model.bin")
    torch.testing.assert_close(found.model(ids), theirs.float()(ids).logits, rtol=1e-4, atol=1e-4)
    for name, value, message in (
        ("activation_function", "relu", "activation_function is 'relu', and in GPT-2"),
        ("layer_norm_epsilon", 1e-12, "layer_norm_epsilon is 1e-12, and in GPT-2"),
        ("scale_attn_by_inverse_layer_idx", True, "scale_attn_by_inverse_layer_idx is True, and in GPT-2"),
    ):
        about = json.loads((tmp_path / "config.json").read_text()) | {name: value}
        (tmp_path / "config.json").write_text(json.dumps(about))
        with pytest.raises(WeightsError, match=message):
            import_checkpoint(tmp_path / "pytorch_model.bin")
        config.save_pretrained(tmp_path)


@pytest.mark.parametrize("version", [3, 5])
def test_llm_c(ours: GPT, tmp_path: Path, version: int) -> None:
    """Written as train_gpt2.py's write_model does: parameters of one kind for all blocks, one after the other."""
    own = {name: tensor.detach() for name, tensor in ours.named_parameters()}
    order = ["wte.weight", "wpe.weight"]
    for part in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"):
        order += [f"h.{n}.{part}.{kind}" for kind in ("weight", "bias") for n in range(2)]
    padded = torch.cat((own["wte.weight"], torch.zeros(3, 12)))
    raw = b""
    for name in (*order, "ln_f.weight", "ln_f.bias"):
        tensor = padded if name == "wte.weight" else own[name]
        bits = tensor.numpy() if version == 3 else tensor.bfloat16().view(torch.int16).numpy()
        raw += bits.tobytes()
    header = struct.pack("<256i", 20240326, version, 16, 61, 2, 3, 12, 64, *[0] * 248)
    (tmp_path / "model.bin").write_bytes(header + raw)
    found = import_checkpoint(tmp_path / "model.bin")
    expected = ours
    if version == 5:
        expected = GPT(CONFIG).eval()
        expected.load_state_dict({name: tensor.bfloat16().float() for name, tensor in own.items()})
    assert_same(found.model, expected)
    (tmp_path / "model.bin").write_bytes(header + raw[:-4])
    with pytest.raises(WeightsError, match="it was cut off"):
        import_checkpoint(tmp_path / "model.bin")


def test_gguf(ours: GPT, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf", reason="gguf is not installed: make bench installs it")
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "gpt2")
    writer.add_head_count(3)
    writer.add_layer_norm_eps(1e-5)
    own = {name: tensor.detach().numpy() for name, tensor in ours.named_parameters()}
    names = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
    parts = {"ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm"}
    parts |= {"mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
    names |= {f"h.{n}.{here}": f"blk.{n}.{there}" for n in range(2) for here, there in parts.items()}
    for name, values in own.items():
        stem, _, kind = name.rpartition(".")
        writer.add_tensor(f"{names[stem]}.{kind}", np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert_same(import_checkpoint(tmp_path / "model.gguf").model, ours)


def test_what_is_no_gpt2_is_told(ours: GPT, tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    for state, message in (
        ({"layers.0.q.weight": torch.zeros(3, 3)}, "names that are not known here \\(layers.0.q.weight \\(3, 3\\)"),
        ({"n": 3}, "holds no parameters"),
        (karpathys(ours) | {"transformer.h.0.attn.rotary": torch.zeros(3)}, "attn.rotary .* has no place in a GPT-2"),
        ({n: t for n, t in karpathys(ours).items() if "wpe" not in n}, "it has no wpe.weight"),
        ({n: t for n, t in karpathys(ours).items() if "h.1.ln_2" not in n}, "h.1.ln_2.weight is missing, and 1 more"),
        (karpathys(ours) | {"transformer.ln_f.weight": torch.full((12,), torch.nan)}, "ln_f.weight holds NaN"),
        (karpathys(ours) | {"transformer.h.1.mlp.c_fc.bias": torch.zeros(3)}, r"is \(3,\), and should be \(48,\)"),
    ):
        torch.save(state, file)
        with pytest.raises(WeightsError, match=message):
            import_checkpoint(file, n_head=3)
    with pytest.raises(WeightsError, match="is no file"):
        import_checkpoint(tmp_path / "nothing.pt")


def test_the_command_writes_a_model_that_all_read(
    ours: GPT, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    big = GPT(GPTConfig(n_ctx=16, n_embd=64, n_head=1, n_layer=2)).eval()
    torch.save(karpathys(big), tmp_path / "model.pt")
    out = tmp_path / "out"
    assert run(["import", str(tmp_path / "model.pt"), "--out", str(out), "--verbose"]) == 0
    said = capsys.readouterr().out
    assert "transformer.h.0.attn.c_attn.weight  ->  h.0.attn.c_attn.weight" in said
    assert "The file does not say how many heads there are: 1, of 64 numbers each" in said
    assert "Loaded again, it computes the same." in said
    model, tokenizer = load(out)
    assert_same(model, big)
    assert tokenizer.n_vocab == 50257
    assert run(["import", str(tmp_path / "model.pt"), "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err
    torch.save(nanogpts(karpathys(ours)), tmp_path / "ckpt.pt")
    assert run(["import", str(tmp_path / "ckpt.pt"), "--out", str(tmp_path / "chars")]) == 0
    assert "Its tokens are not GPT-2's" in capsys.readouterr().out
