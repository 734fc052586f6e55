import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import nextword
from nextword.decode import engine_for
from nextword.errors import WeightsError
from nextword.loading import load, load_engine
from nextword.model import GPT, GPTConfig, plain
from nextword.native import library
from nextword.tokenizer import Vocabulary, save_tokenizer
from nextword.weights import load_model, save_huggingface

# GPT-2's whole vocabulary, on a model of next to no size.
NARROW = GPTConfig(n_ctx=32, n_embd=12, n_head=3, n_layer=2)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = GPT(NARROW)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5, generator=generator)
        model.wpe.weight *= 4  # so that it writes something else at every position
    directory = tmp_path_factory.mktemp("narrow")
    save_huggingface(model, directory)
    return directory


def test_model_and_tokenizer(saved):
    for path in (saved, str(saved)):
        model, tokenizer = load(path)
        assert model.config == NARROW
        assert not model.training
        assert tokenizer.decode(tokenizer.encode("Every effort moves you")) == "Every effort moves you"


def test_device_dtype_and_ops_are_passed_on(saved):
    model, _ = load(saved, device="cpu", dtype=torch.bfloat16, ops=plain)
    assert model.wte.weight.device.type == "cpu"
    assert model.wte.weight.dtype == torch.bfloat16
    assert model.ops.gelu is plain.gelu


def test_a_device_that_is_not_there_is_told_in_words(saved):
    with pytest.raises(ValueError, match="The device tpu cannot be used here"):
        load(saved, device="tpu")


def test_transformers_writes_the_same_text(saved):
    model, tokenizer = load(saved)
    ids = torch.tensor([tokenizer.encode("Every effort moves you")])
    while ids.size(1) < 20:
        ids = torch.cat([ids, model(ids)[:, -1:].argmax(-1)], dim=1)

    theirs = AutoModelForCausalLM.from_pretrained(saved)
    their_tokenizer = AutoTokenizer.from_pretrained(saved)
    prompt = their_tokenizer("Every effort moves you", return_tensors="pt").input_ids
    expected = theirs.generate(prompt, max_length=20, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert tokenizer.decode(ids[0].tolist()) == their_tokenizer.decode(expected[0])
    assert len(set(ids[0, 4:].tolist())) > 3


@pytest.mark.parametrize("name", ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"])
def test_official_names_go_to_the_hub_even_beside_a_folder_of_that_name(name, saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    fetched = []
    monkeypatch.setattr("nextword.loading.fetch", lambda name: fetched.append(name) or saved)
    load(name)
    assert fetched == [name]
    with pytest.raises(WeightsError, match="holds no weights"):
        load(f"./{name}")
    assert fetched == [name]


def test_a_path_may_begin_at_home(saved, monkeypatch):
    monkeypatch.setenv("HOME", str(saved.parent))
    assert load(f"~/{saved.name}")[0].config == NARROW


def test_neither_a_path_nor_a_name():
    with pytest.raises(WeightsError) as error:
        load("gpt2-small")
    assert str(error.value) == (
        "gpt2-small is neither a path that exists nor an official model. Give a run directory, "
        "a Hugging Face directory (config.json and model.safetensors), an OpenAI directory (hparams.json "
        "and model.ckpt.*), gpt2, gpt2-medium, gpt2-large, gpt2-xl or heads."
    )


def test_a_vocabulary_that_is_not_the_tokenizers():
    tiny = Path(__file__).parent / "weights" / "openai_tiny"
    with pytest.raises(WeightsError, match="a vocabulary of 61, and GPT-2's tokenizer has 50257 ids"):
        load(tiny)


@pytest.mark.parametrize("n_more", [1, 47])
def test_a_vocabulary_that_was_filled_up_is_cut_to_the_tokenizers(n_more, saved, tmp_path):
    theirs = AutoModelForCausalLM.from_pretrained(saved)
    theirs.resize_token_embeddings(50257 + n_more)
    theirs.save_pretrained(tmp_path)
    model, _ = load(tmp_path)
    assert model.config == NARROW
    ids = torch.tensor([[5, 6, 7]])
    torch.testing.assert_close(model(ids), theirs(ids).logits[..., :50257], rtol=1e-4, atol=1e-4)
    assert load_model(tmp_path).config.n_vocab == 50257 + n_more
    if library() is not None:
        engine, _ = load_engine(tmp_path, device="cpu")
        torch.testing.assert_close(scores(engine, [5, 6, 7]), model(ids)[0, -1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("loader", [load, load_engine])
def test_a_tokenizer_of_ones_own_is_loaded_with_its_model(loader, saved, tmp_path):
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    (tmp_path / "tokenizer.json").unlink()
    ids = json.loads((tmp_path / "vocab.json").read_text())
    ids["Ġde"], ids["Ġthe"] = ids["Ġthe"], ids["Ġde"]
    (tmp_path / "vocab.json").write_text(json.dumps(ids))
    _, tokenizer = loader(tmp_path)
    assert (tokenizer.encode(" the de"), tokenizer.n_vocab, tokenizer.eot_id) == ([390, 262], 50257, 50256)
    assert tokenizer.decode([390, 262]) == " the de"
    assert AutoTokenizer.from_pretrained(tmp_path)(" the de").input_ids == [390, 262]
    assert load_model(tmp_path).config == NARROW


@pytest.mark.parametrize("loader", [load, load_engine])
def test_a_tokenizer_with_more_ids_than_its_model_is_refused_in_words(loader, tmp_path):
    save_huggingface(GPT(replace(NARROW, n_vocab=256)), tmp_path)
    save_tokenizer(tmp_path, 32, Vocabulary(tuple(bytes([byte]) for byte in range(256)), {}))
    assert loader(tmp_path)[1].n_vocab == 256
    more = (*(bytes([byte]) for byte in range(256)), b"ab")
    save_tokenizer(tmp_path, 32, Vocabulary(more, {(b"a", b"b"): 0}))
    with pytest.raises(WeightsError, match="has a vocabulary of 256, and its tokenizer has 257 ids"):
        loader(tmp_path)
    save_tokenizer(tmp_path, 32, Vocabulary((*more[:256], b"[PAD]"), {}, {"[PAD]": 256}))  # which nobody made room for
    assert loader(tmp_path)[1].n_vocab == 256


@pytest.mark.parametrize("loader", [load, load_engine])
def test_added_tokens_stay_where_a_vocabulary_was_filled_up(loader, saved, tmp_path):
    theirs, words = AutoModelForCausalLM.from_pretrained(saved), AutoTokenizer.from_pretrained(saved)
    words.add_special_tokens({"additional_special_tokens": ["<|user|>"]})
    theirs.resize_token_embeddings(50304)
    theirs.save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    loaded, tokenizer = loader(tmp_path)
    assert (loaded.config.n_vocab, tokenizer.n_vocab, tokenizer.eot_id) == (50258, 50258, 50256)
    assert tokenizer.encode_prompt("<|user|>Every effort") == words("<|user|>Every effort").input_ids


def test_it_is_part_of_the_package_and_stays_so(saved):
    for _ in range(2):
        assert nextword.load(saved)[0].config == NARROW


def test_what_comes_before_computing_needs_no_pytorch(saved):
    code = (
        "import sys\nfrom nextword.loading import open_named\nfrom nextword.tokenizer import Tokenizer\n"
        f"stored = open_named({str(saved)!r})\n"
        "assert stored.tensors['wte.weight'].read().shape == (50257, 12)\nTokenizer().encode('Every effort')\n"
        "print({'torch', 'safetensors', 'huggingface_hub', 'transformers'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# ---- load_engine


@pytest.fixture
def no_compiler(monkeypatch):
    why = "there is no C compiler here; install GCC (apt install gcc)"
    for module in ("loading", "decode.engines"):
        monkeypatch.setattr(f"nextword.{module}.library", lambda: None)
        monkeypatch.setattr(f"nextword.{module}.why_not", lambda: why)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr("nextword.runtime.hardware.GPU_FILES", ())


def scores(engine, ids, row=0):
    engine.read(row, ids)
    return torch.from_numpy(engine.next_logits([row])[row].copy())


def assert_scores_as_of(model, engine, tokenizer, atol=1e-4):
    ids = tokenizer.encode("Every effort moves you")
    with torch.no_grad():
        expected = model(torch.tensor([ids]))[0, -1].float()
    found = scores(engine, ids, engine.n_rows - 1)
    torch.testing.assert_close(found, expected, rtol=0, atol=atol * float(expected.abs().max()))


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_a_writer_by_pytorch_where_there_is_no_compiler(device, saved, no_compiler, no_gpu):
    engine, tokenizer = load_engine(saved, device=device, n_rows=3)
    assert type(engine).__name__ == "TorchEngine"
    assert (engine.config, engine.n_rows) == (NARROW, 3)
    assert_scores_as_of(load(saved)[0], engine, tokenizer)


needs_compiler = pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")


@needs_compiler
@pytest.mark.parametrize("device", ["auto", "cpu", "cpu:0"])
def test_a_writer_by_our_own_engine(device, saved, no_gpu):
    engine, tokenizer = load_engine(saved, device=device, n_rows=3)
    assert type(engine).__name__ == "NativeEngine"
    assert (engine.config, engine.n_rows) == (NARROW, 3)
    assert_scores_as_of(load(saved)[0], engine, tokenizer)


@pytest.mark.parametrize("stored", ["F32", "BF16", "F16"])
def test_without_a_dtype_weights_stored_in_bfloat16_stay_so(stored, saved, tmp_path, no_compiler, monkeypatch):
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    dtype = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}[stored]
    tensors = {name: tensor.to(dtype) for name, tensor in load_file(saved / "model.safetensors").items()}
    save_file(tensors, tmp_path / "model.safetensors")
    models = []
    monkeypatch.setattr("nextword.decode.torch_engine.TorchEngine", lambda model, n_rows: models.append(model))
    for asked in (None, "float32", "bfloat16"):
        load_engine(tmp_path, device="cpu", dtype=asked)
    natural = torch.bfloat16 if stored == "BF16" else torch.float32
    assert [model.wte.weight.dtype for model in models] == [natural, torch.float32, torch.bfloat16]


def test_quantizing_without_a_compiler_names_the_remedy(saved, no_compiler):
    with pytest.raises(ValueError, match=r"int8 weights .* no C compiler here; install GCC \(apt install gcc\)"):
        load_engine(saved, device="cpu", quantize="int8")


def test_quantizing_is_for_the_cpu(saved, monkeypatch):
    monkeypatch.setattr("nextword.runtime.machine.pick_device", torch.device)
    with pytest.raises(ValueError, match="int4 weights are there for a CPU only: use the device cpu, or load without"):
        load_engine(saved, device="cuda", quantize="int4")


def test_quantizing_to_what_nobody_computes(saved):
    with pytest.raises(ValueError, match="weights cannot be quantized to int3: use int8 or int4"):
        load_engine(saved, quantize="int3")


@pytest.mark.parametrize("dtype", ["float16", "torch.float32", ""])
def test_a_writers_dtype_by_its_name(dtype, saved):
    with pytest.raises(ValueError, match=f"dtype {dtype} is not known: use float32 or bfloat16"):
        load_engine(saved, dtype=dtype)


@pytest.mark.parametrize(
    ("engine", "kind", "tokenizer"),
    [
        ("torch", "TorchEngine", "Tokenizer"),
        ("plain", "PlainEngine", "PlainTokenizer"),
        pytest.param("native", "NativeEngine", "Tokenizer", marks=needs_compiler),
    ],
)
def test_an_engine_by_its_name(engine, kind, tokenizer, saved):
    loaded, its_tokenizer = load_engine(saved, device="cpu", n_rows=2, engine=engine)
    assert (type(loaded).__name__, type(its_tokenizer).__name__, loaded.n_rows) == (kind, tokenizer, 2)
    model, its_tokenizer = load(saved, engine=engine)
    assert (model.engine, type(engine_for(model)).__name__) == (engine, kind)
    assert type(its_tokenizer).__name__ == tokenizer
    assert_scores_as_of(load(saved)[0], loaded, its_tokenizer)


@pytest.mark.parametrize("loader", [load, load_engine])
def test_an_engine_that_cannot_be_had_is_refused_before_anything_is_fetched(loader, no_compiler):
    with pytest.raises(ValueError, match="engine fast is not known: use native, torch or plain"):
        loader("gpt2-xl", engine="fast")
    with pytest.raises(ValueError, match=r"has to be compiled here, and there is no C .* use the engine torch"):
        loader("gpt2-xl", device="cpu", engine="native")


@needs_compiler
@pytest.mark.parametrize("engine", ["torch", "plain"])
def test_quantized_weights_are_the_native_engines(engine, saved):
    with pytest.raises(ValueError, match=f"int8 weights are for the engine native, not for {engine}: leave out one"):
        load_engine(saved, device="cpu", quantize="int8", engine=engine)


def test_a_writer_for_no_device(saved):
    with pytest.raises(ValueError, match="The device tpu cannot be used here"):
        load_engine("gpt2-xl", device="tpu")  # before anything is fetched


def test_a_writer_from_weights_that_do_not_fit(saved, tmp_path):
    """They are checked before the engine is given them."""
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    tensors = load_file(saved / "model.safetensors")
    del tensors["ln_f.bias"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=r"missing: ln_f\.bias"):
        load_engine(tmp_path, device="cpu")
    with pytest.raises(WeightsError, match="gpt2-small is neither a path"):
        load_engine("gpt2-small")


@needs_compiler
def test_our_own_engine_needs_no_pytorch_and_no_other_large_library(saved):
    code = (
        "import sys\nfrom nextword.loading import load_engine\nfrom nextword.runtime import hardware\n"
        "hardware.GPU_FILES = ()\n"
        f"engine, tokenizer = load_engine({str(saved)!r})\n"
        "engine.read(0, tokenizer.encode('Every effort moves you'))\n"
        "assert engine.next_logits([0])[0].shape == (50257,)\n"
        "print({'torch', 'safetensors', 'huggingface_hub', 'transformers'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("how", [load, lambda path: load_engine(path, engine="torch")])
def test_a_model_that_sees_later_tokens_is_not_loaded(how, saved, monkeypatch):
    """As on an Apple GPU in half precision, where PyTorch's own mask leaks."""

    def without_mask(q, k, v, dropout=0.0, visible=None):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v)

    monkeypatch.setattr("nextword.model.fused.causal_attention", without_mask)
    with pytest.raises(
        WeightsError, match=r"the model sees what it is to predict. PyTorch's attention is wrong here, on"
    ):
        how(saved)
