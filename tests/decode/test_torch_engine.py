"""Rows that read and write side by side, against transformers, and against one text at a time without a cache."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from conftest import TINY, randomize
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import theirs
from torch import Tensor

from nextword.decode import Sampling, TorchEngine
from nextword.decode.choose import choose
from nextword.decode.cuda_graphs import CudaGraphs
from nextword.decode.torch_step import padded_head
from nextword.model import GPT, GPTConfig, RowCache, fused, plain

GREEDY = Sampling(temperature=0)
PROMPTS = ([3, 14, 15], [9], [2, 6, 5, 3, 5, 8, 9, 7])


@torch.inference_mode()
def plainly(model: GPT, ids: list[int], sampling: Sampling, numbers: list[float]) -> list[int]:
    """Write without a cache and without neighbours, one pass over the whole text a token."""
    text = list(ids)
    for number in numbers:
        logits = model(torch.tensor([text]))[:, -1]
        text.append(int(choose(sampling, logits, torch.tensor([number], dtype=torch.float64))))
    return text[len(ids) :]


def zeros(n: int, rows: int) -> np.ndarray:
    return np.zeros((n, rows))


def by_graphs(model: GPT, n_rows: int) -> TorchEngine:
    """An engine that writes as on CUDA, but that nothing is captured."""
    engine = TorchEngine(model, n_rows)
    engine._graphs = CudaGraphs(engine._step)
    engine._graphs._capture = lambda work: work  # type: ignore[method-assign]
    return engine


def side_by_side(model: GPT, n: int = 6, make: Callable[[GPT, int], TorchEngine] = TorchEngine) -> list[list[int]]:
    """What three rows of different lengths write greedily."""
    engine = make(model, 3)
    for row, ids in enumerate(PROMPTS):
        engine.read(row, ids)
    return engine.write([0, 1, 2], GREEDY, zeros(n, 3)).T.tolist()


def test_what_graphs_do_not_know_is_sampled_without_them(model: GPT) -> None:
    """Before and after it graphs write, with the same cache; they know min_p."""
    penalised, numbers = Sampling(1.0, 9, frequency_penalty=0.7), np.random.default_rng(1).random((3, 2))
    found = []
    for engine in (by_graphs(model, 3), TorchEngine(model, 3)):
        for row, ids in enumerate(PROMPTS):
            engine.read(row, ids)
        ways = (GREEDY, zeros(2, 2)), (penalised, numbers), (Sampling(1.0, None, min_p=0.1), numbers)
        found.append([engine.write([0, 2], sampling, numbers).tolist() for sampling, numbers in ways])
    assert found[0] == found[1]


def test_rows_of_different_lengths_write_what_transformers_does(model: GPT) -> None:
    other = theirs(model)
    for make in (TorchEngine, by_graphs):
        for ids, written in zip(PROMPTS, side_by_side(model, 8, make), strict=True):
            expected = other.generate(
                torch.tensor([ids]), max_new_tokens=8, do_sample=False, pad_token_id=0, eos_token_id=None
            )
            assert written == expected[0, len(ids) :].tolist()


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_whatever_is_read_and_written_in_whatever_order_rows_keep_apart(data: st.DataObject) -> None:
    model = GPT(TINY, ops=data.draw(st.sampled_from([fused, plain]))).eval()
    randomize(model)
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    engine = data.draw(st.sampled_from([TorchEngine, by_graphs]))(model, 3)
    engine._tokens_together = data.draw(st.sampled_from([0, 20, 1000]))  # prompts alone, in pairs, or all together
    sampling = data.draw(st.sampled_from([GREEDY, Sampling(1.0, None), Sampling(0.9, 5), Sampling(1.1, 9, 0.8)]))
    texts: dict[int, list[int]] = {}
    for _ in range(data.draw(st.integers(1, 8))):
        row = data.draw(st.integers(0, 2))
        able = [row for row in texts if engine.remaining(row)]
        if able and data.draw(st.booleans()):
            rows = data.draw(st.lists(st.sampled_from(able), min_size=1, unique=True))
            n = data.draw(st.integers(1, min(engine.remaining(row) for row in rows)))
            numbers = rng.random((n, len(rows)))
            ids = engine.write(rows, sampling, numbers)
            for column, row in enumerate(rows):
                assert ids[:, column].tolist() == plainly(model, texts[row], sampling, numbers[:, column].tolist())
                texts[row] += ids[:, column].tolist()
        else:
            texts[row] = rng.integers(61, size=data.draw(st.integers(1, 16))).tolist()
            engine.read(row, texts[row])
        for row, text in texts.items():
            assert engine.remaining(row) == 17 - len(text)
            if len(text) <= 16:
                expected = model(torch.tensor([text]))[0, -1].detach().numpy()
                np.testing.assert_allclose(engine.next_logits([row])[row], expected, rtol=1e-4, atol=1e-4)


def test_a_row_that_holds_nonsense_harms_no_other(model: GPT) -> None:
    engine = TorchEngine(model, 2)
    engine.read(0, PROMPTS[0])
    engine.next_logits([0])[0]
    for keys in engine._step.cache.memory.keys + engine._step.cache.memory.values:
        keys[1] = torch.nan
    assert engine.write([0], GREEDY, zeros(5, 1))[:, 0].tolist() == plainly(model, PROMPTS[0], GREEDY, [0.0] * 5)


def test_prompts_are_read_together_where_that_pays(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = side_by_side(model)
    shapes = []
    trunk = model.trunk
    monkeypatch.setattr(model, "trunk", lambda ids, cache: shapes.append(tuple(ids.shape)) or trunk(ids, cache))
    for tokens, together in ((0, [(1, 3), (1, 8)]), (15, [(1, 3), (1, 8)]), (16, [(2, 8)])):
        shapes.clear()
        engine = TorchEngine(model, 3)
        engine._tokens_together = tokens
        for row, ids in enumerate(PROMPTS):
            engine.read(row, [5, 5])  # forgotten unread
            engine.read(row, ids)
        assert engine.write([0, 1, 2], GREEDY, zeros(6, 3)).T.tolist() == expected
        assert shapes == [*together, *[(3, 1)] * 6]


MISTAKES: dict[str, tuple[str, Callable[[Callable[..., object]], Callable[..., object]]]] = {}


def mistake(name: str, method: str) -> Callable[..., None]:
    return lambda wrong: MISTAKES.__setitem__(name, (method, wrong))


@mistake("the mask is off by one: the new token does not see itself", "RowCache.place")
def _(right: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def place(self: RowCache, T: int) -> Tensor:
        positions = right(self, T)
        self.visible = (self._slots[: self.reach] < positions.clamp(min=1).unsqueeze(-1)).unsqueeze(1)
        return positions

    return place


@mistake("the mask is off by one: a slot beyond the text is seen", "RowCache.place")
def _(right: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def place(self: RowCache, T: int) -> Tensor:
        positions = right(self, T)
        self.visible = (self._slots[: self.reach] <= positions.unsqueeze(-1) + 1).unsqueeze(1)
        return positions

    return place


@mistake("every row stands where the first does", "RowCache.place")
def _(right: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def place(self: RowCache, T: int) -> Tensor:
        positions = right(self, T)
        return positions[:1].expand_as(positions)

    return place


@mistake("keys are written where the first row stands", "RowCache.extend")
def _(right: Callable[..., object]) -> Callable[..., object]:
    def extend(self: RowCache, *arguments: object) -> object:
        self._positions = self._positions[:1].expand_as(self._positions)
        return right(self, *arguments)

    return extend


@mistake("keys of one row land in another", "RowCache.extend")
def _(right: Callable[..., object]) -> Callable[..., object]:
    def extend(self: RowCache, layer: int, k: Tensor, v: Tensor) -> object:
        return right(self, layer, k.roll(1, 0), v)

    return extend


@mistake("the lengths stand still", "RowCache.advance")
def _(right: Callable[..., object]) -> Callable[..., object]:
    return lambda self, T: None


@mistake("the pending token of the prompt is forgotten", "TorchEngine.read")
def _(right: Callable[..., object]) -> Callable[..., object]:
    def read(self: TorchEngine, row: int, ids: list[int]) -> None:
        right(self, row, [*ids[:-1], 0])

    return read


@pytest.mark.parametrize("name", MISTAKES)
def test_the_comparison_with_transformers_would_notice(name: str, model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = side_by_side(model, 8, by_graphs)
    method, wrong = MISTAKES[name]
    owner = {"RowCache": RowCache, "TorchEngine": TorchEngine}[method.split(".")[0]]
    monkeypatch.setattr(owner, method.split(".")[1], wrong(getattr(owner, method.split(".")[1])))
    assert side_by_side(model, 8, by_graphs) != expected


def test_attention_looks_no_further_than_it_has_to() -> None:
    model = GPT(GPTConfig(n_vocab=61, n_ctx=512, n_embd=12, n_head=3, n_layer=2, dropout=0.0)).eval()
    randomize(model)
    engine = TorchEngine(model, 2)
    text = [i * 7 % 61 for i in range(250)]
    engine.read(0, text[:120])
    engine.read(1, text)
    reaches = []
    run = engine._step._run
    engine._step._run = lambda: reaches.append(engine._step.cache.reach) or run()  # type: ignore[func-returns-value]
    assert engine.write([0], GREEDY, zeros(10, 1))[:, 0].tolist() == plainly(model, text[:120], GREEDY, [0.0] * 10)
    assert engine.write([1], GREEDY, zeros(8, 1))[:, 0].tolist() == plainly(model, text, GREEDY, [0.0] * 8)
    assert reaches == [128] * 8 + [256] + [256] * 6 + [384]
    assert [engine._step.reach(length) for length in (1, 128, 129, 385, 512)] == [128, 128, 256, 512, 512]
    engine._step._compiled = True
    assert [engine._step.reach(length) for length in (1, 128, 129, 257, 512)] == [128, 128, 256, 512, 512]


def test_the_step_is_one_graph_for_the_compiler(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = side_by_side(model)
    compiled = torch.compile
    settings: list[dict[str, object]] = []

    def stand_in(function: Callable[..., object], **keywords: object) -> object:
        settings.append(keywords)
        return compiled(function, fullgraph=True, dynamic=False, backend="aot_eager")

    monkeypatch.setattr("torch.compile", stand_in)
    torch.compiler.reset()
    engine = TorchEngine(model, 3, compiled=True)
    for row, ids in enumerate(PROMPTS):
        engine.read(row, ids)
    assert engine.write([0, 1, 2], GREEDY, zeros(6, 3)).T.tolist() == expected
    assert settings[0]["fullgraph"] is True


def test_a_padded_head_gives_the_same_and_learns_with_the_model(model: GPT) -> None:
    for seed, ids in enumerate(PROMPTS):  # one of them a single token, which is read without a prefill
        for make in (TorchEngine, by_graphs):
            engine = make(model, 3)
            engine._step._head = padded_head(model.wte.weight)
            assert engine._step._head.shape == (64, 12)
            for more in (0, 10):
                randomize(model, seed + more)
                engine.read(1, ids)
                assert engine.write([1], GREEDY, zeros(3, 1))[:, 0].tolist() == plainly(model, ids, GREEDY, [0.0] * 3)
                engine.read(1, ids)
                expected = model(torch.tensor([ids]))[0, -1].detach().numpy()
                np.testing.assert_allclose(engine.next_logits([1])[1], expected, rtol=1e-4, atol=1e-4)


def test_dropout_is_off_and_the_mode_is_put_back() -> None:
    model = GPT(GPTConfig(**{**vars(TINY), "dropout": 0.5})).train()
    randomize(model)
    written = side_by_side(model)
    assert all(module.training for module in model.modules())
    model.eval()
    assert written == [plainly(model, ids, GREEDY, [0.0] * 6) for ids in PROMPTS]
    assert side_by_side(model) == written
    assert not any(module.training for module in model.modules())


def test_bfloat16_agrees_with_itself_without_a_cache(model: GPT) -> None:
    model = model.bfloat16()
    engine = TorchEngine(model, 2)
    engine.read(1, PROMPTS[0])
    expected = model(torch.tensor([PROMPTS[0]]))[0, -1].detach().float().numpy()
    np.testing.assert_allclose(engine.next_logits([1])[1], expected, rtol=0.1, atol=0.2)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda engine: engine.read(2, [1]), "there is no row 2: this engine has the rows 0 to 1"),
        (lambda engine: engine.read(0, []), "0 tokens cannot be read at once: give 1 to n_ctx = 16"),
        (lambda engine: engine.read(0, [1] * 17), "17 tokens cannot be read at once"),
        (lambda engine: engine.read(0, [1, 61]), "id 61 is outside the vocabulary, 0 to 60"),
        (lambda engine: engine.read(0, [-1]), "id -1 is outside the vocabulary"),
        (lambda engine: engine.remaining(0), "row 0 has read nothing yet"),
        (lambda engine: engine.write([0], GREEDY, zeros(1, 1)), "row 0 has read nothing yet"),
        (lambda engine: engine.write([1], GREEDY, zeros(3, 1)), "has room for 2 tokens, not for 3"),
        (lambda engine: engine.write([1], GREEDY, zeros(1, 2)), "numbers must be of the shape"),
        (lambda engine: engine.write([1, 1], GREEDY, zeros(1, 2)), "rows that differ"),
        (lambda engine: (engine.write([1], GREEDY, zeros(2, 1)), engine.next_logits([1])[1]), "row 1 holds 16 tokens"),
    ],
)
def test_what_cannot_be_done_is_refused(model: GPT, act: Callable[[TorchEngine], object], message: str) -> None:
    engine = TorchEngine(model, 2)
    engine.read(1, [1] * 15)
    with pytest.raises(ValueError, match=message):
        act(engine)


def test_capturing_leaves_no_trace(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CUDA route without CUDA: what is captured is run, undone, and run again at every replay."""
    expected = side_by_side(model, n=8)
    engine = TorchEngine(model, 3)
    captured: list[Callable[[], None]] = []

    class Graph:
        def replay(self) -> None:
            self.work()

    @contextmanager
    def graph(graph: Graph, pool: object) -> Iterator[None]:
        state = [step.ids, graphs._turn, graphs._chosen, step.cache.lengths]
        before = [tensor.clone() for tensor in state]
        yield
        graph.work = captured[-1]  # type: ignore[attr-defined]
        for tensor, old in zip(state, before, strict=True):
            tensor.copy_(old)  # a capture only records

    for name in ("device", "stream"):
        monkeypatch.setattr(f"torch.cuda.{name}", lambda *_: nullcontext())
    for name in ("Stream", "current_stream"):
        monkeypatch.setattr(f"torch.cuda.{name}", MagicMock())
    monkeypatch.setattr("torch.cuda.CUDAGraph", Graph)
    monkeypatch.setattr("torch.cuda.graph", graph)
    monkeypatch.setattr("torch.cuda.graph_pool_handle", MagicMock())
    step = engine._step
    graphs = engine._graphs = CudaGraphs(step)
    capture = graphs._capture
    monkeypatch.setattr(graphs, "_capture", lambda work: (captured.append(work), capture(work))[1])
    for row, ids in enumerate(PROMPTS):
        engine.read(row, ids)
    first = engine.write([0, 1, 2], GREEDY, zeros(3, 3))
    drawn = engine.write([1], Sampling(1.0, 1), zeros(1, 1))  # another setting, another capture, between two tokens
    rest = engine.write([0, 2], GREEDY, zeros(5, 2))
    last = engine.write([1], GREEDY, zeros(4, 1))
    assert len(captured) == 2
    assert first.T.tolist() == [text[:3] for text in expected]
    assert rest.T.tolist() == [expected[0][3:], expected[2][3:]]
    assert [*drawn[:, 0], *last[:, 0]] == expected[1][3:]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("compiled", [False, True])
def test_a_gpu_writes_the_same_by_graphs(model: GPT, compiled: bool) -> None:
    expected = side_by_side(model, n=8)
    model.cuda()
    torch.compiler.reset()
    engine = TorchEngine(model, 3, compiled=compiled)
    for _ in range(2):  # the second time by the graphs that are there
        for row, ids in enumerate(PROMPTS):
            engine.read(row, ids)
        first = engine.write([0, 1, 2], GREEDY, zeros(3, 3))
        rest = engine.write([2, 0, 1], GREEDY, zeros(5, 3))[:, [1, 2, 0]]
        assert np.concatenate([first, rest]).T.tolist() == expected
