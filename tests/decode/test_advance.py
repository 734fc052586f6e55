"""`Writer.advance` and `Writer.put`: tokens that someone else chooses, on every kind of writer."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from reference import theirs

from nextword.decode import Sampling, Writer
from nextword.decode.native_writer import NativeWriter
from nextword.decode.rereading_writer import RereadingWriter
from nextword.decode.torch_writer import TorchWriter
from nextword.model import GPT
from nextword.native import library

MakeWriter = Callable[[int], Writer]


@pytest.fixture(params=["native", "torch", "rereading"])
def make(request: pytest.FixtureRequest, model: GPT) -> MakeWriter:
    if request.param == "native" and library() is None:
        pytest.skip("there is no C compiler here (Debian: apt install gcc)")
    return {
        "native": lambda n_rows: NativeWriter.from_model(model, n_rows),
        "torch": lambda n_rows: TorchWriter(model, n_rows),
        "rereading": lambda n_rows: RereadingWriter(model, model.config, n_rows),
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


def test_texts_that_others_choose_are_scored_as_by_transformers(make: MakeWriter, right) -> None:
    writer = make(3)
    texts = {0: [1, 2, 3, 4, 5], 2: [7]}
    for row, ids in texts.items():
        writer.read(row, ids)
    for id in range(10, 20):
        scores = writer.advance([2, 0])
        assert set(scores) == {0, 2}
        for row, ids in texts.items():
            near(scores[row], right(ids)[-1:])
            ids.append(id + row)
        writer.put([0, 2], [id, id + 2])


def test_every_position_of_a_prompt_is_scored_where_that_is_asked_for(make: MakeWriter, right) -> None:
    writer = make(2)
    prompt, other = [5, 9, 2, 33, 8, 60, 0], [4, 4]
    writer.read(0, prompt)
    writer.read(1, other)
    parts = []
    while sum(map(len, parts)) < len(prompt):
        parts.append(writer.advance([1, 0], at_most=4, scored=[0])[0])
    near(np.concatenate(parts), right(prompt))
    writer.put([0], [6])
    near(writer.advance([0], scored=[0])[0], right([*prompt, 6])[-1:])
    near(writer.advance([1])[1], right(other)[-1:])


def test_long_prompts_are_read_in_parts_so_that_others_need_not_wait(make: MakeWriter, right) -> None:
    """Read in parts they hold the same, whatever the row held before and whoever writes meanwhile."""
    for at_most in (2, 3, 5):
        writer, writing, long = make(3), [1, 2], [9, 8, 7, 6, 5, 4, 3, 2, 1]
        writer.read(1, [11] * 14)
        writer.advance([1])
        writer.read(0, writing)
        writer.advance([0])
        writer.read(1, long)
        writer.read(2, long[:4])
        for id in range(12):
            scores = writer.advance([0, 1, 2], at_most=at_most)
            near(scores[0], right(writing)[-1:])
            if len(scores) == 3:
                break
            writer.put([0], [id])
            writing.append(id)
        near(scores[1], right(long)[-1:])
        near(scores[2], right(long[:4])[-1:])


def test_a_prompt_that_is_begun_can_be_written_after(make: MakeWriter, right) -> None:
    writer, long = make(2), [9, 8, 7, 6, 5, 4, 3, 2, 1]
    writer.read(0, [1])
    writer.read(1, long)
    writer.advance([0, 1], at_most=4)
    [[id]] = writer.write([1], Sampling(temperature=0), np.zeros((1, 1)))
    assert id == right(long)[-1].argmax()
    near(writer.logits(1), right([*long, int(id)])[-1])


def test_scores_of_many_prompts_come_one_after_the_other(make: MakeWriter, right) -> None:
    """All at once they would need more memory than there may be."""
    writer, prompts = make(4), [[row + 1] * 8 for row in range(4)]
    for row, prompt in enumerate(prompts):
        writer.read(row, prompt)
    parts: dict[int, list[np.ndarray]] = {row: [] for row in range(4)}
    unread = list(range(4))
    while unread:
        found = writer.advance(unread, at_most=8, scored=range(4))
        assert found
        assert sum(map(len, found.values())) <= 8
        for row, scores in found.items():
            parts[row].append(scores)
        unread = [row for row in unread if sum(map(len, parts[row])) < 8]
    for row, prompt in enumerate(prompts):
        near(np.concatenate(parts[row]), right(prompt))


def test_one_prompt_can_be_gone_on_from_in_several_ways(make: MakeWriter, right) -> None:
    writer, prompt = make(4), [9, 8, 7, 6, 5]
    writer.read(3, [1, 2])  # forgotten
    writer.read(1, [4] * 14)
    writer.advance([1])  # forgotten, too
    writer.read(0, prompt)
    writer.advance([0])
    writer.copy(0, [1, 3])
    texts = {row: [*prompt, 10 + row] for row in (0, 1, 3)}
    writer.put(list(texts), [text[-1] for text in texts.values()])
    for id in range(3):
        scores = writer.advance([3, 0, 1])
        for row, text in texts.items():
            near(scores[row], right(text)[-1:])
            text.append(id + row)
        writer.put(list(texts), [text[-1] for text in texts.values()])
    writer.copy(1, [2])  # with a token that is pending
    near(writer.logits(2), right(texts[1])[-1])
    assert writer.room(2) == writer.room(1)


@pytest.mark.parametrize(
    ("row", "onto", "message"),
    [
        (1, [0], "row 1 has read nothing yet"),
        (0, [0], "row 0 cannot be copied onto the rows \\[0\\]"),
        (0, [1, 1], "give others, all different"),
        (0, [2], "there is no row 2"),
    ],
)
def test_what_cannot_be_copied_is_refused(make: MakeWriter, row: int, onto: list[int], message: str) -> None:
    writer = make(2)
    writer.read(0, [1])
    with pytest.raises(ValueError, match=message):
        writer.copy(row, onto)


def test_rows_join_while_others_write(make: MakeWriter, right) -> None:
    writer, first, second = make(2), [1, 2], [3, 4, 5, 6, 7, 8, 9, 10, 11]
    writer.read(0, first)
    for id in range(6):
        if id == 2:
            writer.read(1, second)
        scores = writer.advance([0, 1] if id >= 2 else [0], at_most=3)
        near(scores[0], right(first)[-1:])
        writer.put([0], [id])
        first.append(id)
    near(writer.advance([1])[1], right(second)[-1:])


def test_both_ways_of_choosing_can_be_mixed(make: MakeWriter, right) -> None:
    writer, text = make(1), [1, 2, 3]
    writer.read(0, text)
    writer.put([0], [9])  # without having asked for scores
    text.append(9)
    greedy = writer.write([0], Sampling(temperature=0), np.zeros((2, 1)))[:, 0].tolist()
    for id in greedy:
        assert id == right(text)[-1].argmax()
        text.append(id)
    writer.advance([0])
    near(writer.logits(0), right(text)[-1])
    writer.put([0], [11])
    near(writer.logits(0), right([*text, 11])[-1])
    assert writer.room(0) == 16 + 1 - 7


def test_the_last_place_can_be_put_and_not_read(make: MakeWriter) -> None:
    writer = make(1)
    writer.read(0, list(range(16)))
    writer.advance([0])
    writer.put([0], [3])
    assert writer.room(0) == 0
    with pytest.raises(ValueError, match="row 0 holds 16 tokens and cannot see one more"):
        writer.advance([0])
    with pytest.raises(ValueError, match="row 0 has no room for one more token"):
        writer.put([0], [3])


def test_what_cannot_be_put_is_refused(make: MakeWriter) -> None:
    writer = make(2)
    writer.read(0, [1])
    with pytest.raises(ValueError, match="id 61 is outside the vocabulary"):
        writer.put([0], [61])
    with pytest.raises(ValueError, match="give one for each, all different"):
        writer.put([0, 0], [1, 2])
    with pytest.raises(ValueError, match="row 1 has read nothing yet"):
        writer.put([1], [1])
    with pytest.raises(ValueError, match="row 1 has read nothing yet"):
        writer.advance([1])
