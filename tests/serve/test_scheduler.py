import queue
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from conftest import randomize

from nextword.decode import Engine, Sampling
from nextword.decode.engines import engine_for
from nextword.decode.rereading_engine import RereadingEngine
from nextword.decode.torch_engine import TorchEngine
from nextword.model import GPT
from nextword.serve.detokenizer import Piece
from nextword.serve.generation import Event, Failed, Generation, PromptRead
from nextword.serve.scheduler import ClosedError, QueueFullError, Scheduler
from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
FEW = Sampling(1.0, 20)  # among all tokens the last digits of sums would decide now and then


class Box:
    """Where events arrive."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[Generation, Event]] = queue.Queue()

    def deliver(self, events: list[tuple[Generation, Event]]) -> None:
        for event in events:
            self.events.put(event)

    def finish(self, generations: list[Generation]) -> dict[Generation, list[Event]]:
        found: dict[Generation, list[Event]] = {generation: [] for generation in generations}
        left = set(generations)
        while left:
            generation, event = self.events.get(timeout=20)
            found[generation].append(event)
            if isinstance(event, Failed) or (isinstance(event, Piece) and event.finish_reason):
                left.discard(generation)
        return found


def generation(box: Box, ids: list[int], max_tokens: int = 8, seed: int = 0, **settings: object) -> Generation:
    sampling = Sampling(1.0, 20, logit_bias={TOKENIZER.eot_id: -100.0})
    return Generation(
        ids, max_tokens, sampling, np.random.default_rng(seed), box.deliver, {TOKENIZER.eot_id}, **settings
    )


@pytest.fixture(
    params=[(engine_for, 1), (engine_for, 3), (engine_for, 16), (TorchEngine, 3)],
    ids=lambda made: f"{made[0].__name__}-{made[1]}",
)
def scheduler(request: pytest.FixtureRequest, small: GPT) -> Iterator[Scheduler]:
    make, n_rows = request.param
    scheduler = Scheduler(make(small, n_rows))
    yield scheduler
    scheduler.close()
    assert not scheduler._thread.is_alive()


def texts(found: dict[Generation, list[Event]]) -> list[list[int]]:
    return [[t.id for e in events if isinstance(e, Piece) for t in e.tokens] for events in found.values()]


def test_a_text_is_the_same_alone_and_among_many(scheduler: Scheduler, small: GPT) -> None:
    prompts = [[seed + 1] * (1 + 7 * seed % 50) for seed in range(20)]
    box = Box()
    generations = [generation(box, prompt, 3 + seed % 10, seed) for seed, prompt in enumerate(prompts)]
    scheduler.submit(generations)
    among = texts(box.finish(generations))
    alone = []
    for seed, prompt in enumerate(prompts):
        engine = engine_for(small)
        engine.read(0, prompt)
        rng = np.random.default_rng(seed)
        alone.append(engine.write([0], FEW, rng.random((3 + seed % 10, 1)))[:, 0].tolist())
    assert among == alone
    assert scheduler.running == scheduler.waiting == 0


@pytest.mark.parametrize("make", [engine_for, TorchEngine])
def test_a_prompt_of_many_steps_is_scored_whole(
    make: Callable[[GPT, int], Engine], small: GPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for at_once in (1, 5, 128):
        monkeypatch.setattr("nextword.serve.scheduler.PROMPT_TOKENS", at_once)
        scheduler, box = Scheduler(make(small, 2)), Box()
        generations = [
            generation(box, [5] * 3, 30),
            generation(box, list(range(40)), 0, with_prompt_logprobs=True, n_logprobs=2),
        ]
        scheduler.submit(generations)
        events = box.finish(generations)[generations[1]]
        assert isinstance(events[0], PromptRead)
        found.append([one.logprob for one in events[0].logprobs])
        scheduler.close()
    assert len(found[0]) == 39
    np.testing.assert_allclose(found[0], found[2], atol=1e-4)
    np.testing.assert_allclose(found[1], found[2], atol=1e-4)


@pytest.mark.parametrize("make", [engine_for, TorchEngine])
@pytest.mark.parametrize("scored", [False, True])
def test_texts_after_one_prompt_have_it_read_once(
    make: Callable[[GPT, int], Engine], scored: bool, small: GPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextword.serve.scheduler.PROMPT_TOKENS", 4)
    prompt, box = list(range(30)), Box()

    def generations() -> list[Generation]:
        return [generation(box, prompt, 6, seed, with_prompt_logprobs=scored, n_logprobs=1) for seed in range(5)]

    alone = []
    for one in generations():
        scheduler = Scheduler(make(small, 1))
        scheduler.submit([one])
        alone.append(box.finish([one])[one])
        scheduler.close()
    engine = make(small, 8)
    copied: list[list[int]] = []
    copy = engine.copy
    monkeypatch.setattr(engine, "copy", lambda row, onto: (copied.append([*onto]), copy(row, onto)))
    scheduler = Scheduler(engine)
    together = generations()
    scheduler.submit(together)
    found = box.finish(together)
    assert texts(found) == texts(dict(enumerate(alone)))  # type: ignore[arg-type]
    assert sum(map(len, copied)) == 4
    for events, other in zip(found.values(), alone, strict=True):
        assert isinstance(events[0], PromptRead) is scored
        if scored:
            assert [one.logprob for one in events[0].logprobs] == pytest.approx(
                [one.logprob for one in other[0].logprobs], abs=1e-4
            )
    scheduler.close()


def test_who_waits_for_a_prompt_reads_it_when_the_reader_is_gone(small: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.serve.scheduler.PROMPT_TOKENS", 4)
    engine, box = Gated(engine_for(small, 2)), Box()
    scheduler = Scheduler(engine)  # type: ignore[arg-type]
    first, second = (generation(box, list(range(30)), 4, seed=1) for _ in range(2))
    scheduler.submit([first, second])
    wait_for(lambda: scheduler.running == 2)
    engine.gate.release()
    scheduler.cancel([first])
    for _ in range(40):
        engine.gate.release()
    found = box.finish([second])
    alone = generation(box, list(range(30)), 4, seed=1)
    scheduler.submit([alone])
    assert texts(found) == texts(box.finish([alone]))
    scheduler.close()


class Gated:
    """An engine whose every pass waits for leave."""

    def __init__(self, engine: Engine):
        self._engine, self.gate, self.config, self.n_rows = engine, threading.Semaphore(0), engine.config, engine.n_rows

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def advance(self, *args: object) -> object:
        assert self.gate.acquire(timeout=20)
        return self._engine.advance(*args)  # type: ignore[arg-type]


def wait_for(condition: object) -> None:
    until = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_cancelled_text_makes_room_at_the_next_step(small: GPT) -> None:
    engine, box = Gated(engine_for(small, 1)), Box()
    scheduler = Scheduler(engine, max_waiting=2)  # type: ignore[arg-type]
    first, second, third = (generation(box, [id], 5) for id in (1, 2, 3))
    scheduler.submit([first])
    wait_for(lambda: scheduler.running == 1)
    scheduler.submit([second, third])
    with pytest.raises(QueueFullError, match="2 texts are waiting"):
        scheduler.submit([generation(box, [4])])
    scheduler.cancel([first, second])
    for _ in range(6):
        engine.gate.release()
    assert list(box.finish([third])) == [third]
    scheduler.close()


def test_closing_writes_what_there_is_to_its_end_or_lets_go_of_it(small: GPT) -> None:
    scheduler, box = Scheduler(engine_for(small, 2)), Box()
    generations = [generation(box, [id], 20) for id in range(6)]
    scheduler.submit(generations)
    scheduler.close(drain=True)
    assert [len(ids) for ids in texts(box.finish(generations))] == [20] * 6
    assert not scheduler.is_alive
    with pytest.raises(ClosedError, match="about to stop"):
        scheduler.submit([generation(box, [1])])


def test_who_waits_is_told_when_the_engine_ends(small: GPT) -> None:
    engine, box = Gated(engine_for(small, 1)), Box()
    scheduler = Scheduler(engine)  # type: ignore[arg-type]
    written, waiting, gone = generations = [generation(box, [id], 20) for id in (1, 2, 3)]
    scheduler.submit(generations)
    wait_for(lambda: scheduler.running == 1)
    scheduler.cancel([gone])
    threading.Timer(0.05, engine.gate.release).start()
    scheduler.close()
    found = box.finish([written, waiting])
    assert found[written][-1] == found[waiting][-1] == Failed("The server stopped before the text was written.")
    assert box.events.empty()


def test_ids_that_the_model_cannot_read_are_refused_before_they_reach_the_engine(small: GPT) -> None:
    scheduler, box = Scheduler(engine_for(small, 1)), Box()
    with pytest.raises(ValueError, match="outside the vocabulary"):
        scheduler.submit([generation(box, [1]), generation(box, [60000])])
    well = generation(box, [2], 2)
    scheduler.submit([well])
    assert len(texts(box.finish([well]))[0]) == 2
    scheduler.close()


def test_a_listener_that_fails_does_not_end_the_engine(small: GPT) -> None:
    def fails(events: object) -> None:
        raise KeyError("nobody of this name")

    scheduler, box = Scheduler(engine_for(small, 2)), Box()
    deaf = generation(box, [1], 50)
    deaf.deliver = fails
    well = generation(box, [2], 5)
    scheduler.submit([deaf, well])
    assert len(texts(box.finish([well]))[0]) == 5
    wait_for(lambda: scheduler.running == 0)
    assert scheduler.is_alive
    scheduler.close()


def test_newer_weights_write_what_comes_after_them(small: GPT) -> None:
    """Who has begun is not changed horses with in midstream."""
    other = GPT(small.config).eval()
    randomize(other, seed=9)
    box, alone = Box(), []
    for model in (small, other):
        scheduler = Scheduler(engine_for(model, 1))
        one = generation(box, [7, 8], 12)
        scheduler.submit([one])
        alone += texts(box.finish([one]))
        scheduler.close()
    engine = Gated(engine_for(small, 1))
    scheduler = Scheduler(engine)  # type: ignore[arg-type]
    before, after = generation(box, [7, 8], 12), generation(box, [7, 8], 12)
    scheduler.submit([before])
    wait_for(lambda: scheduler.running == 1)
    scheduler.replace(engine_for(other, 1))
    scheduler.submit([after])
    for _ in range(20):
        engine.gate.release()
    assert texts(box.finish([before, after])) == alone
    assert alone[0] != alone[1]
    with pytest.raises(ValueError, match="another model's"):
        scheduler.replace(engine_for(small, 2))
    scheduler.close()


def test_a_step_that_fails_ends_its_texts_and_not_the_engine(small: GPT) -> None:
    calls = iter([False, True, False, False, False])

    def model(ids: object) -> object:
        if next(calls, False):
            raise MemoryError("no room")
        return small(ids)

    scheduler, box = Scheduler(RereadingEngine(model, small.config, 2)), Box()  # type: ignore[arg-type]
    broken, well = generation(box, [1], 4), generation(box, [2], 2)
    scheduler.submit([broken])
    assert box.finish([broken])[broken][-1] == Failed("MemoryError: no room")
    scheduler.submit([well])
    assert len(texts(box.finish([well]))[0]) == 2
    scheduler.close()


def test_the_end_of_text_is_a_token_too(small: GPT) -> None:
    """It counts as written, so whoever counts the tokens that were scored must find it among them."""
    scheduler, box = Scheduler(engine_for(small, 2)), Box()
    sampling = Sampling(1.0, 20, logit_bias={TOKENIZER.eot_id: 100.0})
    rng = np.random.default_rng(0)
    ending = Generation(
        [3, 1, 4], 1, sampling, rng, box.deliver, {TOKENIZER.eot_id}, n_logprobs=1, with_prompt_logprobs=True
    )
    scheduler.submit([ending])
    read, piece = box.finish([ending])[ending]
    assert isinstance(read, PromptRead)
    assert isinstance(piece, Piece)
    assert (piece.text, piece.finish_reason, ending.n_written) == ("", "stop", 1)
    [token] = piece.tokens
    assert (token.id, token.offset) == (TOKENIZER.eot_id, 0)
    assert token.logprobs is not None
    with torch.no_grad():
        logprobs = small(torch.tensor([[3, 1, 4]]))[0, -1].log_softmax(-1)
    assert token.logprobs.logprob == pytest.approx(logprobs[TOKENIZER.eot_id].item(), abs=1e-4)
    scheduler.close()


class Broken:
    """An engine whose scores are no numbers on the rows that hold a text of this token."""

    def __init__(self, engine: Engine, token: int):
        self._engine, self._token, self._bad = engine, token, set[int]()
        self.config, self.n_rows = engine.config, engine.n_rows

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def read(self, row: int, ids: list[int]) -> None:
        (self._bad.add if self._token in ids else self._bad.discard)(row)
        self._engine.read(row, ids)

    def advance(self, *args: object) -> dict[int, np.ndarray]:
        found = self._engine.advance(*args)  # type: ignore[arg-type]
        return {row: np.full_like(scores, np.nan) if row in self._bad else scores for row, scores in found.items()}


@pytest.mark.parametrize("scored", [False, True])
def test_scores_that_are_no_numbers_end_their_texts_and_no_others(small: GPT, scored: bool) -> None:
    scheduler, box = Scheduler(Broken(engine_for(small, 4), token=7)), Box()  # type: ignore[arg-type]
    broken = [generation(box, [1, 7], 4, seed, with_prompt_logprobs=scored, n_logprobs=1) for seed in range(3)]
    well = generation(box, [2], 4)
    scheduler.submit([*broken, well])
    found = box.finish([*broken, well])
    for one in broken:
        assert isinstance(found[one][-1], Failed)
        assert "the model computes NaN after this text" in found[one][-1].message
    assert len(texts({well: found[well]})[0]) == 4
    assert scheduler.running == 0
    scheduler.close()
