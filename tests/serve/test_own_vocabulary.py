"""A model with a tokenizer of its own, served: completions, tokens, and what the page shows of them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
pytest.importorskip("httpx", reason="httpx (extra: test) is not installed")

from conftest import randomize
from fastapi.testclient import TestClient

from nextword.cli.served_model import ServedModel, watched_run
from nextword.decode import generate
from nextword.decode.engines import engine_for
from nextword.model import GPT, GPTConfig
from nextword.serve.app import create_app
from nextword.serve.inside import router, zipped_vocabulary
from nextword.serve.lens_worker import LensWorker
from nextword.serve.scheduler import Scheduler
from nextword.tokenizer import Tokenizer
from nextword.tokenizer.characters import CharacterTokenizer, byte_vocabulary, character_vocabulary
from nextword.train import TrainConfig, Trainer

TEXT = "to be, or not to be: é漢🙂\n"


@pytest.fixture(scope="module")
def model() -> GPT:
    vocabulary = character_vocabulary([TEXT])
    model = GPT(GPTConfig(n_vocab=vocabulary.n_vocab, n_ctx=32, n_embd=16, n_head=2, n_layer=1)).eval()
    randomize(model)
    model.vocabulary = vocabulary
    return model


@pytest.fixture(scope="module")
def client(model: GPT) -> Iterator[TestClient]:
    scheduler, tokenizer = Scheduler(engine_for(model, 2), max_waiting=8), CharacterTokenizer(model.vocabulary)
    app = create_app(scheduler, tokenizer, "small", routers=[router(LensWorker(model, "small"))])
    with TestClient(app) as client:
        yield client


def test_completions_are_those_of_python(client: TestClient, model: GPT) -> None:
    asked = {"prompt": "to be", "max_tokens": 9, "temperature": 0, "logprobs": 2}
    answer = client.post("/v1/completions", json=asked).json()["choices"][0]
    written = generate(model, CharacterTokenizer(model.vocabulary), "to be", max_new_tokens=9, temperature=0)
    assert "to be" + answer["text"] == written
    assert answer["finish_reason"] == "length"
    assert "".join(answer["logprobs"]["tokens"]) == answer["text"]


def test_tokens_and_back(client: TestClient, model: GPT) -> None:
    tokens = client.post("/tokenize", json={"text": "é漢"}).json()["tokens"]
    assert [token["text"] for token in tokens] == ["é", "漢"]
    ids = [token["id"] for token in tokens]
    assert client.post("/detokenize", json={"ids": ids}).json() == {"text": "é漢"}
    assert client.post("/detokenize", json={"ids": [model.config.n_vocab]}).status_code == 400


@pytest.mark.parametrize("path", ["/v1/completions", "/tokenize"])
def test_a_character_that_the_tokenizer_lacks_is_refused_in_words(client: TestClient, path: str) -> None:
    name = "text" if path == "/tokenize" else "prompt"
    answer = client.post(path, json={name: "to bq"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(f"{name}: The character 'q' (U+0071) is none of the ")
    assert answer.json()["error"]["param"] == name


def test_an_empty_prompt_is_refused_where_nothing_begins_a_text(client: TestClient) -> None:
    answer = client.post("/v1/completions", json={"prompt": ""})
    assert answer.status_code == 400
    assert "it is empty, and this model's vocabulary has no <|endoftext|>" in answer.json()["error"]["message"]


def test_the_page_gets_the_models_own_tokens(client: TestClient, model: GPT) -> None:
    assert client.get("/api/vocabulary").json() == sorted(set(TEXT))
    bytes_ = json.loads(gzip.decompress(zipped_vocabulary(byte_vocabulary())))
    assert [bytes_[65], bytes_[200], bytes_[256]] == ["A", [200], "<|endoftext|>"]


@pytest.mark.parametrize("engine", ["torch", "plain"])
def test_a_run_without_weights_is_served_with_its_tokenizer(engine: str, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT * 40, encoding="utf-8")
    shape = {"n_layer": 1, "n_head": 2, "n_embd": 16, "n_ctx": 32, "window": 16, "steps": 9, "device": "cpu"}
    out = tmp_path / "run"
    trainer = Trainer(TrainConfig(data=(str(tmp_path / "text.txt"),), out=str(out), tokenizer="chars", **shape))
    events = trainer.run()
    next(events)
    served = ServedModel(str(out), None, "cpu", None, None, 1, watched_run(str(out)), engine)  # type: ignore[arg-type]
    tokenizer: Tokenizer = served.engine()[1]
    assert tokenizer.encode("to be") == trainer.setup.tokenizer.encode("to be")
    assert served.whole().vocabulary.tokens == tokenizer.vocabulary.tokens
    events.close()
