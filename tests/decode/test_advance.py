"""`Engine.advance` and `Engine.append`: tokens that someone else chooses, on every kind of engine."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from reference import theirs

from nextword.decode import Engine, Sampling
from nextword.decode.native_engine import NativeEngine
from nextword.decode.plain_engine import PlainEngine
from nextword.decode.rereading_engine import RereadingEngine
from nextword.decode.torch_engine import TorchEngine
from nextword.model import GPT
from nextword.native import library

MakeEngine = Callable[[int], Engine]


@pytest.fixture(params=["native", "torch", "plain", "rereading"])
def make(request: pytest.FixtureRequest, model: GPT) -> MakeEngine:
    if request.param == "native" and library() is None:
        pytest.skip("there is no C compiler here (Debian: apt install gcc)")
    return {
        "native": lambda n_rows: NativeEngine.from_model(model, n_rows),
        "torch": lambda n_rows: TorchEngine(model, n_rows),
        "plain": lambda n_rows: PlainEngine(model, n_rows),
        "rereading": lambda n_rows: RereadingEngine(model, model.config, n_rows),
    }[request.param]


@pytest.fixture
def right(model: GPT) -> Callable[[list[int]], np.ndarray]:
    """What transformers' GPT-2 of the same weights says: ids -> logits (T, V)."""
    reference = theirs(model).eval()

    def logits(ids: list[int]) -> np.ndarray:
        with torch.no_grad():
            return reference(torch.tensor([ids])).logits[0].numpy()

    return logits


def near(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_texts_that_others_choose_are_scored_as_by_transformers(make: MakeEngine, right) -> None:
    engine = make(3)
    texts = {0: [1, 2, 3, 4, 5], 2: [7]}
    for row, ids in texts.items():
        engine.read(row, ids)
    for id in range(10, 20):
        scores = engine.advance([2, 0])
        assert set(scores) == {0, 2}
        for row, ids in texts.items():
            near(scores[row], right(ids)[-1:])
            ids.append(id + row)
        engine.append([0, 2], [id, id + 2])


def test_every_position_of_a_prompt_is_scored_where_that_is_asked_for(make: MakeEngine, right) -> None:
    engine = make(2)
    prompt, other = [5, 9, 2, 33, 8, 60, 0], [4, 4]
    engine.read(0, prompt)
    engine.read(1, other)
    parts = []
    while sum(map(len, parts)) < len(prompt):
        parts.append(engine.advance([1, 0], at_most=4, scored=[0])[0])
    near(np.concatenate(parts), right(prompt))
    engine.append([0], [6])
    near(engine.advance([0], scored=[0])[0], right([*prompt, 6])[-1:])
    near(engine.advance([1])[1], right(other)[-1:])


def test_long_prompts_are_read_in_parts_so_that_others_need_not_wait(make: MakeEngine, right) -> None:
    """Read in parts they hold the same, whatever the row held before and whoever writes meanwhile."""
    for at_most in (2, 3, 5):
        engine, writing, long = make(3), [1, 2], [9, 8, 7, 6, 5, 4, 3, 2, 1]
        engine.read(1, [11] * 14)
        engine.advance([1])
        engine.read(0, writing)
        engine.advance([0])
        engine.read(1, long)
        engine.read(2, long[:4])
        for id in range(12):
            scores = engine.advance([0, 1, 2], at_most=at_most)
            near(scores[0], right(writing)[-1:])
            if len(scores) == 3:
                break
            engine.append([0], [id])
            writing.append(id)
        near(scores[1], right(long)[-1:])
        near(scores[2], right(long[:4])[-1:])


def test_a_prompt_that_is_begun_can_be_written_after(make: MakeEngine, right) -> None:
    engine, long = make(2), [9, 8, 7, 6, 5, 4, 3, 2, 1]
    engine.read(0, [1])
    engine.read(1, long)
    engine.advance([0, 1], at_most=4)
    [[id]] = engine.write([1], Sampling(temperature=0), np.zeros((1, 1)))
    assert id == right(long)[-1].argmax()
    near(engine.next_logits([1])[1], right([*long, int(id)])[-1])


def test_scores_of_many_prompts_come_one_after_the_other(make: MakeEngine, right) -> None:
    """All at once they would need more memory than there may be."""
    engine, prompts = make(4), [[row + 1] * 8 for row in range(4)]
    for row, prompt in enumerate(prompts):
        engine.read(row, prompt)
    parts: dict[int, list[np.ndarray]] = {row: [] for row in range(4)}
    unread = list(range(4))
    while unread:
        found = engine.advance(unread, at_most=8, scored=range(4))
        assert found
        assert sum(map(len, found.values())) <= 8
        for row, scores in found.items():
            parts[row].append(scores)
        unread = [row for row in unread if sum(map(len, parts[row])) < 8]
    for row, prompt in enumerate(prompts):
        near(np.concatenate(parts[row]), right(prompt))


def test_one_prompt_can_be_gone_on_from_in_several_ways(make: MakeEngine, right) -> None:
    engine, prompt = make(4), [9, 8, 7, 6, 5]
    engine.read(3, [1, 2])  # forgotten
    engine.read(1, [4] * 14)
    engine.advance([1])  # forgotten, too
    engine.read(0, prompt)
    engine.advance([0])
    engine.copy(0, [1, 3])
    texts = {row: [*prompt, 10 + row] for row in (0, 1, 3)}
    engine.append(list(texts), [text[-1] for text in texts.values()])
    for id in range(3):
        scores = engine.advance([3, 0, 1])
        for row, text in texts.items():
            near(scores[row], right(text)[-1:])
            text.append(id + row)
        engine.append(list(texts), [text[-1] for text in texts.values()])
    engine.copy(1, [2])  # with a token that is pending
    near(engine.next_logits([2])[2], right(texts[1])[-1])
    assert engine.remaining(2) == engine.remaining(1)


@pytest.mark.parametrize(
    ("row", "onto", "message"),
    [
        (1, [0], "row 1 has read nothing yet"),
        (0, [0], "row 0 cannot be copied onto the rows \\[0\\]"),
        (0, [1, 1], "give others, all different"),
        (0, [2], "there is no row 2"),
    ],
)
def test_what_cannot_be_copied_is_refused(make: MakeEngine, row: int, onto: list[int], message: str) -> None:
    engine = make(2)
    engine.read(0, [1])
    with pytest.raises(ValueError, match=message):
        engine.copy(row, onto)


def test_rows_join_while_others_write(make: MakeEngine, right) -> None:
    engine, first, second = make(2), [1, 2], [3, 4, 5, 6, 7, 8, 9, 10, 11]
    engine.read(0, first)
    for id in range(6):
        if id == 2:
            engine.read(1, second)
        scores = engine.advance([0, 1] if id >= 2 else [0], at_most=3)
        near(scores[0], right(first)[-1:])
        engine.append([0], [id])
        first.append(id)
    near(engine.advance([1])[1], right(second)[-1:])


def test_both_ways_of_choosing_can_be_mixed(make: MakeEngine, right) -> None:
    engine, text = make(1), [1, 2, 3]
    engine.read(0, text)
    engine.append([0], [9])  # without having asked for scores
    text.append(9)
    greedy = engine.write([0], Sampling(temperature=0), np.zeros((2, 1)))[:, 0].tolist()
    for id in greedy:
        assert id == right(text)[-1].argmax()
        text.append(id)
    engine.advance([0])
    near(engine.next_logits([0])[0], right(text)[-1])
    engine.append([0], [11])
    near(engine.next_logits([0])[0], right([*text, 11])[-1])
    assert engine.remaining(0) == 16 + 1 - 7


def test_the_last_place_can_be_put_and_not_read(make: MakeEngine) -> None:
    engine = make(1)
    engine.read(0, list(range(16)))
    engine.advance([0])
    engine.append([0], [3])
    assert engine.remaining(0) == 0
    with pytest.raises(ValueError, match="row 0 holds 16 tokens and cannot see one more"):
        engine.advance([0])
    with pytest.raises(ValueError, match="row 0 has no room for one more token"):
        engine.append([0], [3])


def test_what_cannot_be_put_is_refused(make: MakeEngine) -> None:
    engine = make(2)
    engine.read(0, [1])
    with pytest.raises(ValueError, match="id 61 is outside the vocabulary"):
        engine.append([0], [61])
    with pytest.raises(ValueError, match="give one for each, all different"):
        engine.append([0, 0], [1, 2])
    with pytest.raises(ValueError, match="row 1 has read nothing yet"):
        engine.append([1], [1])
    with pytest.raises(ValueError, match="row 1 has read nothing yet"):
        engine.advance([1])
