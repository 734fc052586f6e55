"""All engines write the same text from the same seed, and the plain one is not another model."""

from itertools import islice

import numpy as np
import pytest
import torch

import nextword
from nextword.decode import Engine, Sampling, TorchEngine, generate_batch, generate_ids
from nextword.decode.native_engine import NativeEngine
from nextword.decode.plain_engine import PlainEngine
from nextword.decode.rereading_engine import RereadingEngine
from nextword.model import GPT, plain
from nextword.native import library

SAMPLINGS = [
    Sampling(temperature=0),
    Sampling(1.0, None),
    Sampling(0.8, 12),
    Sampling(1.1, None, 0.9),
    Sampling(0.9, 20, 0.8, min_p=0.05, repetition_penalty=1.3, presence_penalty=0.5),
]
PROMPT = "Mr Alder met Mrs Quillfeather 🙂 at the bridge.<|endoftext|>Sir"


def engines(model: GPT, n_rows: int = 1) -> list[Engine]:
    written_out = GPT(model.config, ops=plain).eval()
    written_out.load_state_dict(model.state_dict())
    native = [NativeEngine.from_model(model, n_rows)] if library() is not None else []
    return [
        PlainEngine(written_out, n_rows),
        TorchEngine(model, n_rows),
        RereadingEngine(model, model.config, n_rows),
        *native,
    ]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_all_engines_write_the_same_beyond_n_ctx(model: GPT, sampling: Sampling) -> None:
    written = [
        list(islice(generate_ids(engine, [3, 14, 15], sampling, np.random.default_rng(1)), 40))
        for engine in engines(model)
    ]
    assert written.count(written[0]) == len(written)


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"top_k": None}, {"top_p": 0.9, "min_p": 0.02}], ids=str)
def test_all_engines_write_the_same_text_from_the_same_seed(settings: dict[str, float]) -> None:
    """But for numbers that fall within 1e-7 of a border between two of all 50,257 tokens, as one of seed 5 does."""
    texts = {}
    for engine in ("plain", "torch", *(["native"] if library() is not None else [])):
        model, tokenizer = nextword.load("heads", engine=engine)  # type: ignore[arg-type]
        one = nextword.generate(model, tokenizer, PROMPT, max_new_tokens=24, seed=6, **settings)  # type: ignore[arg-type]
        prompts = ["", "At the bridge", "Uncle"]
        many = generate_batch(model, tokenizer, prompts, max_new_tokens=9, seed=6, batch_size=2, **settings)  # type: ignore[arg-type]
        texts[engine] = [one, *many]
    assert all(found == texts["plain"] for found in texts.values()), texts


def test_dropout_is_off_and_the_mode_is_put_back(model: GPT) -> None:
    engine = PlainEngine(model.train())
    engine.read(0, [1, 2])
    engine.next_logits([0])
    assert model.training


def test_no_gradient_is_recorded(model: GPT) -> None:
    engine = PlainEngine(model)
    engine.read(0, [1, 2])
    engine.write([0], Sampling(temperature=0), np.zeros((2, 1)))
    assert torch.is_grad_enabled()
    assert not model.wte.weight.is_inference()
