"""The page's questions, over HTTP, against what the model itself and the lens say."""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from conftest import randomize
from fastapi import FastAPI
from fastapi.testclient import TestClient
from user_model.conftest import folder  # noqa: F401
from user_model.own import source

from nextword.lens import ablate, direct_logit_attribution, trace
from nextword.lens.patterns import patterns
from nextword.lens.plain import logit_lens
from nextword.model import GPT, plain
from nextword.serve import lens_worker, refusals
from nextword.serve.inside import router
from nextword.serve.lens_worker import LensWorker
from nextword.serve.watched_run import WatchedRun
from nextword.tokenizer import Tokenizer
from nextword.train.run_directory import RunDirectory
from nextword.user_model import build, checked_gpt

IDS = [3, 14, 15, 9, 26, 5, 35]


def app_of(worker: LensWorker, run: WatchedRun | None = None) -> FastAPI:
    app = FastAPI()
    refusals.install(app)
    app.include_router(router(worker, run))
    return app


@pytest.fixture
def client(model: GPT) -> Iterator[TestClient]:
    with TestClient(app_of(LensWorker(model, "tiny"))) as client:
        yield client


def test_the_thread_ends_with_the_application(model: GPT) -> None:
    @asynccontextmanager
    async def of_the_app(app: FastAPI) -> AsyncIterator[None]:
        yield

    worker = LensWorker(model, "tiny")
    app = FastAPI(lifespan=of_the_app)
    app.include_router(router(worker))
    with TestClient(app) as client:
        assert client.post("/api/next", json={"ids": IDS}).status_code == 200
    with pytest.raises(RuntimeError, match="after shutdown"):
        asyncio.run(worker.do(lambda: None))


def floats(answer: httpx.Response) -> torch.Tensor:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    return torch.from_numpy(np.frombuffer(answer.content, dtype="<f4").copy())


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected.detach(), rtol=1e-4, atol=1e-4)


def test_what_model_this_is(client: TestClient) -> None:
    told = client.get("/api/model").json()
    assert int(told.pop("weights"), 16)
    assert told == {
        "name": "tiny",
        "n_params": 61 * 12 + 16 * 12 + 2 * (12 * 144 + 13 * 12) + 24,
        "config": {"n_vocab": 61, "n_ctx": 16, "n_embd": 12, "n_head": 3, "n_layer": 2},
        "run": False,
        "step": None,
        "other": None,
    }


def test_next(client: TestClient, model: GPT) -> None:
    close(floats(client.post("/api/next", json={"ids": IDS})), model(torch.tensor([IDS]))[0, -1])
    longer = [*IDS, 1, 2]
    close(floats(client.post("/api/next", json={"ids": longer})), model(torch.tensor([longer]))[0, -1])


def test_newer_weights_answer_what_is_asked_after_them(model: GPT) -> None:
    worker = LensWorker(model, "tiny", step=10)
    newer = GPT(model.config).eval()
    randomize(newer, seed=9)
    with TestClient(app_of(worker)) as client:
        older = client.post("/api/next", json={"ids": IDS})
        close(floats(older), model(torch.tensor([IDS]))[0, -1])
        told = client.get("/api/model").json()
        assert (told["step"], told["weights"]) == (10, older.headers["nextword-weights"])
        worker.replace(newer, step=20)
        answer = client.post("/api/next", json={"ids": IDS})
        close(floats(answer), newer(torch.tensor([IDS]))[0, -1])
        told = client.get("/api/model").json()
        assert (told["step"], told["weights"]) == (20, answer.headers["nextword-weights"])
        assert answer.headers["nextword-weights"] != older.headers["nextword-weights"]
        assert client.post("/api/surprise", json={"ids": IDS}).headers["nextword-weights"] == told["weights"]
    with pytest.raises(ValueError, match="another model's"):
        worker.replace(GPT(replace(model.config, n_head=2)))


def test_an_answer_in_parts_is_of_one_model_s_weights(model: GPT) -> None:
    worker = LensWorker(model, "tiny")
    newer = GPT(model.config).eval()
    randomize(newer, seed=9)
    parts = 0

    async def comes_in_between() -> bool:
        nonlocal parts
        parts += 1
        if parts == 2:
            worker.replace(newer)
        return False

    questions = [lambda text: text.next()] * 3
    version, found = asyncio.run(worker.ask_in_parts(IDS, questions, comes_in_between))
    worker.close()
    assert version == worker.version
    with torch.no_grad():
        for logits in found:
            close(logits, newer(torch.tensor([IDS]))[0, -1])


def test_the_way_of_the_last_token(client: TestClient, model: GPT) -> None:
    for ids in (IDS, IDS[:1]):
        rows = floats(client.post("/api/way", json={"ids": ids})).view(-1, 12)
        what, where, *rest = rows
        stream, attention, mlp = rest[:3], rest[3:5], rest[5:]
        close(what, model.wte.weight[ids[-1]])
        close(where, model.wpe.weight[len(ids) - 1])
        close(stream[0], what + where)
        for layer in range(2):
            close(stream[layer + 1], stream[layer] + attention[layer] + mlp[layer])
        close(model.head(model.ln_f(stream[2])), model(torch.tensor([ids]))[0, -1])
        close(attention[1], trace(model, ids)["h.1.attn.out"][0, -1])


def test_surprise(client: TestClient, model: GPT) -> None:
    found = client.post("/api/surprise", json={"ids": IDS}).json()
    logprobs = model(torch.tensor([IDS]))[0].log_softmax(-1).detach()
    expected = logprobs[:-1].gather(-1, torch.tensor(IDS[1:]).unsqueeze(-1)).squeeze(-1)
    assert found["logprob"][0] is None
    close(torch.tensor(found["logprob"][1:]), expected)
    assert found["top"][0] == []
    values, order = logprobs[:-1].topk(5)
    assert [[one["id"] for one in top] for top in found["top"][1:]] == order.tolist()
    close(torch.tensor([[one["logprob"] for one in top] for top in found["top"][1:]]), values)
    assert found["perplexity"] == pytest.approx(math.exp(-expected.mean().item()), rel=1e-4)
    assert client.post("/api/surprise", json={"ids": [4]}).json() == {
        "logprob": [None],
        "top": [[]],
        "perplexity": None,
    }


def test_attention(client: TestClient, model: GPT) -> None:
    found = floats(client.post("/api/attention", json={"ids": IDS, "layer": 1, "head": 2}))
    close(found.view(7, 7), trace(model, IDS)["h.1.attn.weights"][0, 2])


def test_attention_scores(client: TestClient, model: GPT) -> None:
    traced = trace(model, IDS)
    scores = plain.attention_scores(traced["h.1.attn.q"], traced["h.1.attn.k"])[0, 2]  # (7, 7)
    for position in (0, 4, 6):
        question = {"ids": IDS, "layer": 1, "head": 2, "position": position}
        found = floats(client.post("/api/attention_scores", json=question))
        close(found, scores[position, : position + 1])
        close(found.softmax(-1), traced["h.1.attn.weights"][0, 2, position, : position + 1])


def test_attention_maps(client: TestClient, model: GPT) -> None:
    weights = torch.cat([trace(model, IDS)[f"h.{layer}.attn.weights"][0] for layer in range(2)])  # (L * H, 7, 7)
    scaled = weights / weights.amax(-1, keepdim=True)
    whole = client.post("/api/attention_maps", json={"ids": IDS, "size": 32})  # larger than the text
    found = np.frombuffer(whole.content, dtype=np.uint8).reshape(6, 7, 7)
    assert np.abs(found - 255 * scaled.numpy()).max() <= 0.501
    assert (found.max(-1) == 255).all()
    small = client.post("/api/attention_maps", json={"ids": IDS, "size": 2})
    found = np.frombuffer(small.content, dtype=np.uint8).reshape(6, 2, 2)
    early, late = (weights[:, 3:, keys].mean(-1).amax(-1) for keys in (slice(0, 4), slice(3, 7)))
    right = torch.stack([early, late], -1) / torch.maximum(early, late)[:, None]
    assert np.abs(found[:, 1] - 255 * right.numpy()).max() <= 0.501


def test_attention_patterns(client: TestClient, model: GPT) -> None:
    repeating = [3, 14, 15, 9, 3, 14, 2]
    found = floats(client.post("/api/attention_patterns", json={"ids": repeating})).view(2, 3, 4)
    weights = trace(model, repeating)["h.1.attn.weights"][0]
    close(found[1], patterns(weights, repeating))
    close(found[1, :, 0], torch.stack([weights[:, i, i - 1] for i in range(2, 7)]).mean(0))
    once = floats(client.post("/api/attention_patterns", json={"ids": IDS})).view(2, 3, 4)
    assert once.isnan()[..., 3].all()  # no token stands there twice


def test_logit_lens(client: TestClient, model: GPT) -> None:
    found = client.post("/api/logit_lens", json={"ids": IDS, "top": 3}).json()
    p, order = logit_lens(model, torch.tensor([IDS]))[:, 0].softmax(-1).topk(3)
    assert found["layers"] == 3
    assert [[[one["id"] for one in cell] for cell in layer] for layer in found["cells"]] == order.tolist()
    close(torch.tensor([[[one["p"] for one in cell] for cell in layer] for layer in found["cells"]]), p)
    some = client.post("/api/logit_lens", json={"ids": IDS, "top": 3, "first": 2, "last": 5}).json()
    assert some["cells"] == [layer[2:5] for layer in found["cells"]]
    assert some["first"] == 2


def test_knockout(client: TestClient, model: GPT) -> None:
    found = client.post("/api/knockout", json={"ids": IDS, "heads": [[0, 1], [1, 2]], "mlps": [0]})
    close(floats(found), ablate(model, IDS, heads=[(0, 1), (1, 2)], mlps=[0]).logits[0, -1])
    nothing = client.post("/api/knockout", json={"ids": IDS})
    close(floats(nothing), model(torch.tensor([IDS]))[0, -1])


def test_contributions(client: TestClient, model: GPT) -> None:
    found = client.post("/api/contributions", json={"ids": IDS, "token": 9}).json()
    flat = [found["embed"]]
    for heads, mlp in zip(found["heads"], found["mlps"], strict=True):
        flat += [*heads, mlp]
    close(
        torch.tensor([*flat, found["rest"]]), torch.from_numpy(direct_logit_attribution(model, IDS, 9).values).float()
    )
    assert sum([*flat, found["rest"]]) == pytest.approx(model(torch.tensor([IDS]))[0, -1, 9].item(), rel=1e-4)


def test_the_vocabulary_zipped_and_plain(client: TestClient) -> None:
    zipped = client.get("/api/vocabulary")
    assert zipped.headers["content-encoding"] == "gzip"
    texts = zipped.json()
    assert len(texts) == 50257
    tokenizer = Tokenizer()
    assert [texts[id] for id in (262, 198, 50256, 0)] == [tokenizer.decode([id]) for id in (262, 198, 50256, 0)]
    # Tokens that are no whole characters come as their bytes, so that whoever joins them can read them.
    assert b"".join(bytes(texts[id]) for id in tokenizer.encode("🧩")) == "🧩".encode()
    plain = client.get("/api/vocabulary", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == texts
    # A browser that has it asks whether it still is what it was: a model after an upgrade may have another one.
    assert zipped.headers["cache-control"] == "no-cache"
    again = client.get("/api/vocabulary", headers={"if-none-match": zipped.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_functions_of_the_tour(client: TestClient) -> None:
    assert "def causal_attention" in client.get("/api/source").json()["model/plain.py:causal_attention"]["text"]


@pytest.mark.parametrize(
    ("path", "body", "param", "message"),
    [
        ("next", {"ids": []}, "ids", "at least 1 item"),
        ("next", {"ids": [1] * 17}, "ids", "17 tokens are more than the model's window of 16"),
        ("next", {"ids": [3, 61]}, "ids[1]", "61 is outside the vocabulary, 0 to 60"),
        ("next", {"ids": [-1]}, "ids[0]", "ids[0]: Input should be greater than or equal to 0"),
        ("next", {"ids": [1, "1"]}, "ids[1]", "valid integer"),
        ("next", {"ids": [2**70]}, "ids[0]", ""),
        ("next", {}, "ids", "required"),
        ("next", {"ids": [1], "top_k": 3}, "top_k", "no parameter 'top_k'"),
        ("attention", {"ids": [1], "layer": 2, "head": 0}, "layer", "layers are 0 to 1"),
        ("attention", {"ids": [1], "layer": 0, "head": 3}, "head", "heads are 0 to 2"),
        (
            "attention_scores",
            {"ids": [1], "layer": 0, "head": 0, "position": 1},
            "position",
            "behind the last token, 0",
        ),
        ("attention_maps", {"ids": [1], "size": 0}, "size", "greater than or equal to 1"),
        ("logit_lens", {"ids": [1], "top": 6}, "top", "less than or equal to 5"),
        ("logit_lens", {"ids": [1], "first": 1}, "first", "1 is not before the last position"),
        ("knockout", {"ids": [1], "heads": [[0, 5]]}, "heads", "head 5 is not there"),
        ("knockout", {"ids": [1], "heads": [[0]]}, "heads[0]", "at least 2 items"),
        ("knockout", {"ids": [1], "mlps": [2]}, "mlps", "layer 2 is not there"),
        ("contributions", {"ids": [1], "token": 61}, "token", "61 is outside the vocabulary"),
        ("run/attention", {"step": 1, "layer": 0, "head": 0}, None, "nothing at /api/run/attention"),
    ],
)
def test_what_cannot_be_answered(
    client: TestClient, path: str, body: dict[str, object], param: str | None, message: str
) -> None:
    answer = client.post(f"/api/{path}", content=json.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == (400 if param else 404)
    error = answer.json()["error"]
    assert error["param"] == param
    assert message in error["message"]


def test_a_run(model: GPT, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", {})
    run.log(step=1, train_loss=9.0, val_loss=None)
    run.attention.add(10, model, torch.tensor(IDS))
    with TestClient(app_of(LensWorker(model, "tiny"), WatchedRun(run.path))) as client:
        assert client.get("/api/model").json()["run"] is True
        found = client.get("/api/run").json()
        assert (found["attention"], found["steps"][0]["train_loss"]) == ({"steps": [10], "ids": IDS}, 9.0)
        question = {"step": 10, "layer": 1, "head": 0}
        looked = floats(client.post("/api/run/attention", json=question)).view(7, 7)
        torch.testing.assert_close(looked, trace(model, IDS)["h.1.attn.weights"][0, 0], rtol=0, atol=1e-3)
        for other, message in (({"step": 5}, "after step 5; steps that are kept: 10"), ({"head": 3}, "no head 3")):
            refused = client.post("/api/run/attention", json={**question, **other})
            assert refused.status_code == 404
            assert message in refused.json()["error"]["message"]


def test_a_learners_class(folder, config, model: GPT) -> None:  # noqa: F811
    (folder / "my_gpt2.py").write_text(source())
    own = build("my_gpt2:GPT", config)
    own.load(model)
    with TestClient(app_of(LensWorker(checked_gpt(own), "mine"))) as client:
        close(floats(client.post("/api/next", json={"ids": IDS})), model(torch.tensor([IDS]))[0, -1])


def test_a_long_question_lets_others_pass(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the lens is asked layer by layer, the next word need not wait for all of it."""
    head: Callable[[torch.Tensor], torch.Tensor] = model.head

    def slow(x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.1)
        return head(x)

    monkeypatch.setattr(model, "head", slow)

    async def both() -> list[str]:
        done: list[str] = []
        transport = httpx.ASGITransport(app=app_of(LensWorker(model, "tiny")))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:

            async def ask(path: str, wait: float) -> None:
                await asyncio.sleep(wait)
                await client.post(path, json={"ids": IDS})
                done.append(path)

            await asyncio.gather(ask("/api/logit_lens", 0.0), ask("/api/next", 0.02))
        return done

    assert asyncio.run(both()) == ["/api/next", "/api/logit_lens"]


def test_who_has_gone_is_answered_no_further(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    head: Callable[[torch.Tensor], torch.Tensor] = model.head
    asked: list[int] = []
    monkeypatch.setattr(model, "head", lambda x: asked.append(1) or head(x))
    messages = [{"type": "http.request", "body": json.dumps({"ids": IDS}).encode()}]

    async def receive() -> dict[str, object]:
        """The body, and after the first layer's answer the news that the other side has gone."""
        if messages:
            return messages.pop()
        if not asked:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/logit_lens", "query_string": b"", "http_version": "1.1"}
    scope["headers"] = [(b"content-type", b"application/json")]
    asyncio.run(app_of(LensWorker(model, "tiny"))(scope, receive, send))
    assert (len(asked), sent[0]["status"]) == (1, 499)


def test_no_more_may_wait_than_there_is_room_for(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lens_worker, "MAX_WAITING", 3)

    async def crowd() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app_of(LensWorker(model, "tiny")))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            first = await asyncio.gather(*(client.post("/api/surprise", json={"ids": IDS}) for _ in range(8)))
            return [*first, await client.post("/api/next", json={"ids": IDS})]

    *first, last = asyncio.run(crowd())
    assert sorted(answer.status_code for answer in first) == [200] * 3 + [429] * 5
    refused = next(answer for answer in first if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert "3 questions about the model are waiting already" in refused.json()["error"]["message"]
    assert last.status_code == 200


@pytest.mark.parametrize("place", ["ln_f.bias", "h.1.mlp.c_proj.bias", "wte.weight"])
def test_what_is_no_number_is_told_and_not_shown(model: GPT, place: str) -> None:
    model.get_parameter(place).data.view(-1)[3] = math.nan
    with TestClient(app_of(LensWorker(model, "tiny"))) as client:
        for question in ("next", "surprise", "logit_lens"):
            answer = client.post(f"/api/{question}", json={"ids": IDS})
            assert answer.status_code == 500
            assert "the model computes NaN after this text" in answer.json()["error"]["message"]
