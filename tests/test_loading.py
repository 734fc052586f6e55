from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import nextword
from nextword.errors import WeightsError
from nextword.loading import load
from nextword.model import GPT, GPTConfig, plain
from nextword.weights import save_huggingface

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
        "and model.ckpt.*), gpt2, gpt2-medium, gpt2-large or gpt2-xl."
    )


def test_a_vocabulary_that_is_not_the_tokenizers():
    tiny = Path(__file__).parent / "weights" / "openai_tiny"
    with pytest.raises(WeightsError, match="a vocabulary of 61, and GPT-2's tokenizer has 50257 ids"):
        load(tiny)


def test_it_is_part_of_the_package_and_stays_so(saved):
    for _ in range(2):
        assert nextword.load(saved)[0].config == NARROW
