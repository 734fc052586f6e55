"""The small model that comes with nextword: it is the one that was trained, and its heads do what is said of them."""

import hashlib
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file

import nextword
from nextword.lens import trace
from nextword.tokenizer import Tokenizer
from nextword.weights.bundled import BUNDLED, DIRECTORY

SHA256 = "f14601dae0337bf5470c667ee489f2d84a9e43a8be9e507dc348b75a032a3d62"
Array = NDArray[Any]


@pytest.fixture(scope="module")
def stored() -> dict[str, Array]:
    return {name: values.astype(np.float64) for name, values in load_file(DIRECTORY / "model.safetensors").items()}


def heads_in_float64(stored: dict[str, Array], rows: Array) -> list[Array]:
    """Where each layer's heads look, (H, T, T) each: GPT-2 from the formulas, with the file's own rows for tokens."""
    config = json.loads((DIRECTORY / "config.json").read_text())
    H, T = config["n_head"], len(rows)

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * stored[f"{name}.weight"] + stored[f"{name}.bias"]

    def linear(x: Array, name: str) -> Array:
        return x @ stored[f"{name}.weight"] + stored[f"{name}.bias"]

    x, found = stored["wte.weight"][rows] + stored["wpe.weight"][:T], []
    for layer in range(config["n_layer"]):
        parts = np.split(linear(norm(x, f"h.{layer}.ln_1"), f"h.{layer}.attn.c_attn"), 3, axis=-1)
        q, k, v = (part.reshape(T, H, -1).swapaxes(0, 1) for part in parts)
        scores = np.where(np.tri(T, dtype=bool), q @ k.swapaxes(1, 2) / math.sqrt(q.shape[-1]), -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        found.append(weights)
        x = x + linear((weights @ v).swapaxes(0, 1).reshape(T, -1), f"h.{layer}.attn.c_proj")
        u = linear(norm(x, f"h.{layer}.ln_2"), f"h.{layer}.mlp.c_fc")
        gelu = 0.5 * u * (1 + np.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3)))
        x = x + linear(gelu, f"h.{layer}.mlp.c_proj")
    return found


def test_it_is_the_one_that_was_trained() -> None:
    assert hashlib.sha256((DIRECTORY / "model.safetensors").read_bytes()).hexdigest() == SHA256
    assert sum(file.stat().st_size for file in DIRECTORY.rglob("*")) < 3_000_000


def test_it_has_induction_heads_and_one_that_looks_at_the_token_before(stored: dict[str, Array]) -> None:
    # Olsson et al. (2022): tokens at random, twice; how much does each of the second row look at what came after its
    # first copy?
    n, dice = 50, np.random.default_rng(7)
    once = dice.choice(len(stored["known"]), n, replace=False)
    looks = np.stack(heads_in_float64(stored, np.concatenate([once, once])))  # (L, H, T, T)
    second = np.arange(n, 2 * n)
    induction = looks[:, :, second, second - n + 1].mean(-1)
    before = looks[:, :, second, second - 1].mean(-1)
    assert induction.max() > 0.5
    assert before.max() > 0.5
    assert induction.argmax() // looks.shape[1] > before.argmax() // looks.shape[1]  # it reads what the other wrote


def test_every_verb_knows_its_name(stored: dict[str, Array]) -> None:
    model, tokenizer = nextword.load(BUNDLED)
    assert model.wte.weight.shape == (50257, model.config.n_embd)
    known = stored["known"].astype(int)
    torch.testing.assert_close(model.wte.weight[known].double(), torch.from_numpy(stored["wte.weight"][:-1]))
    unknown = next(id for id in range(50256) if id not in set(known))
    for id in (unknown, 50256):
        torch.testing.assert_close(model.wte.weight[id].double(), torch.from_numpy(stored["wte.weight"][-1]))
    # The formulas above and the model see the same.
    text = "Mr Alder met Mrs Quillfeather at the bridge. "
    text += "Mrs Quillfeather gave Mr Alder a lamp, and Mr Alder thanked Mrs"
    ids = tokenizer.encode(text)
    rows = np.array([{id: row for row, id in enumerate(known)}[id] for id in ids])
    traced = trace(model, ids)
    for layer, right in enumerate(heads_in_float64(stored, rows)):
        np.testing.assert_allclose(traced[f"h.{layer}.attn.weights"][0].detach().numpy(), right, atol=1e-5)
    written = nextword.generate(model, tokenizer, text, max_new_tokens=4, temperature=0)
    assert written == f"{text} Quillfeather"
    assert Tokenizer().encode(written)[-4:] == tokenizer.encode(" Quillfeather")
