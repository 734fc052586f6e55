"""A GGUF file has the model's numbers and its tokenizer, and llama.cpp computes the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nextword.cli.main import run
from nextword.decode import generate
from nextword.errors import WeightsError
from nextword.loading import load
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import GPT2, Tokenizer, train_vocabulary
from nextword.weights import save_huggingface
from nextword.weights.foreign import import_checkpoint
from nextword.weights.foreign.gguf_saving import KINDS, save_gguf

gguf = pytest.importorskip("gguf", reason="gguf is not installed: pip install gguf")


@pytest.fixture(scope="module")
def model() -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(n_ctx=32, n_embd=64, n_head=2, n_layer=2)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_are_the_model_s(model: GPT, kind: str, tmp_path: Path) -> None:
    """Rounded as the formats say: of 32 numbers the largest is 127 or 8 steps."""
    save_gguf(model, tmp_path / "model.gguf", kind)
    found = dict(import_checkpoint(tmp_path / "model.gguf").model.named_parameters())
    for name, parameter in model.named_parameters():
        gap = (found[name] - parameter).abs()
        if parameter.dim() == 1 or name == "wpe.weight" or kind == "f32":
            assert not gap.any()
        elif kind in ("f16", "bf16"):
            assert (gap <= parameter.abs() * {"f16": 2**-11, "bf16": 2**-8}[kind] + 1e-7).all()
        else:
            largest = parameter.abs().unflatten(-1, (-1, 32)).amax(-1, keepdim=True)
            step = largest / {"q8_0": 127, "q4_0": 8}[kind]  # itself rounded to float16
            assert (gap.unflatten(-1, (-1, 32)) <= step * {"q8_0": 0.6, "q4_0": 1.1}[kind]).all()


def test_the_tokenizer_is_in_it(model: GPT, tmp_path: Path) -> None:
    save_gguf(model, tmp_path / "model.gguf")
    reader = gguf.GGUFReader(str(tmp_path / "model.gguf"))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert (fields["tokenizer.ggml.model"], fields["tokenizer.ggml.pre"]) == ("gpt2", "gpt-2")
    assert len(fields["tokenizer.ggml.tokens"]) == 50257
    assert fields["tokenizer.ggml.tokens"][262] == "Ġthe"
    assert fields["tokenizer.ggml.merges"][0] == "Ġ t"
    assert fields["tokenizer.ggml.eos_token_id"] == 50256
    assert fields["tokenizer.ggml.token_type"][50256] == gguf.TokenType.CONTROL


def test_merges_of_one_s_own_are_written_and_another_rule_is_refused(tmp_path: Path) -> None:
    vocabulary = train_vocabulary([" ".join(f"{n} goats and {n + 1} trolls" for n in range(300))], 300)
    model = GPT(GPTConfig(n_vocab=vocabulary.n_vocab, n_ctx=16, n_embd=12, n_head=3, n_layer=1))
    model.vocabulary = vocabulary
    save_gguf(model, tmp_path / "model.gguf")
    fields = gguf.GGUFReader(str(tmp_path / "model.gguf")).fields
    assert len(fields["tokenizer.ggml.tokens"].contents()) == vocabulary.n_vocab
    with pytest.raises(WeightsError, match="q8_0 stores numbers in groups of 32, and the width 12 is no multiple"):
        save_gguf(model, tmp_path / "model.gguf", "q8_0")
    model.vocabulary = replace(vocabulary, pattern="none")
    with pytest.raises(WeightsError, match=r"none that cuts texts as this does \(none\)"):
        save_gguf(model, tmp_path / "model.gguf")
    model.vocabulary = GPT2
    with pytest.raises(WeightsError, match="and its tokenizer 50,257"):
        save_gguf(model, tmp_path / "model.gguf")


def test_llama_cpp_computes_and_writes_the_same(model: GPT, tmp_path: Path) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama_cpp_python is not installed: make bench installs it")
    save_gguf(model, tmp_path / "model.gguf", "f32")
    theirs = llama_cpp.Llama(str(tmp_path / "model.gguf"), n_ctx=32, logits_all=True, verbose=False)
    prompt = "The goats' bridge wasn't wide; "
    ids = Tokenizer().encode(prompt)
    assert theirs.tokenize(prompt.encode(), add_bos=False) == ids
    theirs.eval(ids)
    logits = np.array(theirs.scores[: len(ids)])
    expected = model(torch.tensor([ids]))[0].detach().numpy()
    np.testing.assert_allclose(logits, expected, atol=2e-3 * np.abs(expected).max())
    said = theirs(prompt, max_tokens=8, temperature=0.0)["choices"][0]["text"]
    assert prompt + said == generate(model, Tokenizer(), prompt, max_new_tokens=8, temperature=0.0)


def test_the_command_compares_before_it_says_so(model: GPT, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_huggingface(model, tmp_path / "mine")
    out = tmp_path / "out"
    assert run(["export", str(tmp_path / "mine"), "--to", "gguf", "--numbers", "q8_0", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "Read again, its logits are off by " in said
    assert sorted(path.name for path in out.iterdir()) == ["Modelfile", "mine-q8_0.gguf"]
    assert "FROM ./mine-q8_0.gguf" in (out / "Modelfile").read_text()
    loaded, _ = load(tmp_path / "mine")
    assert loaded.config == import_checkpoint(out / "mine-q8_0.gguf").model.config
    assert run(["export", str(tmp_path / "mine"), "--numbers", "q8_0", "--out", str(tmp_path / "hf")]) == 2
    assert "--numbers is for gguf: hf has float32" in capsys.readouterr().err
