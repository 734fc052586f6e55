"""What is known of a text's beginning is used for what continues it, and is what a fresh pass would give."""

import pytest
import torch
from conftest import TINY

from nextword.model import GPT
from nextword.serve.reading import Reader, ReadText, common


@pytest.fixture
def counted(model: GPT) -> tuple[Reader, list[int]]:
    """A reader, and how many tokens its first block has been given, each time."""
    read: list[int] = []
    model.h[0].register_forward_pre_hook(lambda _block, given: read.append(given[0].size(1)))
    return Reader(model, n_texts=2), read


def agrees(text: ReadText, model: GPT) -> None:
    logits = model(torch.tensor([text.ids]))[0]
    with torch.no_grad():
        torch.testing.assert_close(text.next(), logits[-1], rtol=1e-4, atol=1e-5)
        values, order = logits.log_softmax(-1).topk(5)
        top = text.top_tokens(2, 0, text.length)
        assert torch.equal(top.ids, order)
        torch.testing.assert_close(top.logprob, values, rtol=1e-4, atol=1e-4)
        own, _ = text.surprise()
    following = torch.tensor(text.ids[1:], dtype=torch.int64)
    expected = logits[:-1].log_softmax(-1).gather(-1, following.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(own, expected.detach(), rtol=1e-4, atol=1e-4)


def test_only_what_is_new_is_read(counted: tuple[Reader, list[int]], model: GPT) -> None:
    reader, read = counted
    first = [5, 7, 9, 11]
    texts = [first, [*first, 3], first, [5, 7, 8, 8], [5, 7], [*first, 3, 2, 1]]
    found = [reader.read(ids) for ids in texts]
    assert read == [4, 1, 2, 2]  # the beginning of a known text is known; a branch is read from where it leaves
    for text, ids in zip(found, texts, strict=True):
        assert text.ids == ids
        agrees(text, model)


def test_what_was_said_is_remembered_by_branches(model: GPT) -> None:
    reader = Reader(model)
    ids = [5, 7, 9, 11]
    heads: list[int] = []
    text = reader.read(ids)
    with torch.no_grad():
        text.top_tokens(1, 0, 4)
        head = model.head
        model.head = lambda x: heads.append(len(x)) or head(x)  # type: ignore[method-assign,assignment,func-returns-value]
        text.top_tokens(1, 0, 4)
        other = reader.read([5, 7, 10, 12, 13])
        other.top_tokens(1, 0, 5)
        reader.read([*ids, 1]).top_tokens(1, 2, 5)
        del model.head
    assert heads == [3, 1]
    agrees(other, model)


def test_the_oldest_text_is_forgotten(counted: tuple[Reader, list[int]]) -> None:
    reader, read = counted
    for ids in ([1, 1], [2, 2], [3, 3], [2, 2], [1, 1]):
        reader.read(ids)
    assert read == [2, 2, 2, 2]


def test_a_text_that_cannot_be_read_leaves_all_as_it_was(counted: tuple[Reader, list[int]], model: GPT) -> None:
    reader, _ = counted
    reader.read([1, 2])
    for ids in ([1, 2, 61], [1] * (TINY.n_ctx + 1)):
        with pytest.raises(ValueError, match=r"outside the vocabulary|more than n_ctx"):
            reader.read(ids)
    agrees(reader.read([1, 2, 3]), model)


def test_traces_begin_with_what_is_known(counted: tuple[Reader, list[int]], model: GPT) -> None:
    from nextword.lens import trace

    reader, read = counted
    text, expected = reader.read([4, 3, 2, 1, 0]), trace(model, [4, 3, 2, 1, 0])
    beginning = reader.read([4, 3, 2])
    for name in ("h.1.attn.weights", "h.0.mlp.out", "logits"):
        torch.testing.assert_close(text.trace()[name], expected[name], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(beginning.trace()[name], trace(model, [4, 3, 2])[name], rtol=1e-4, atol=1e-5)
    end = beginning.trace_of_the_end()["h.1.attn.y"]
    torch.testing.assert_close(end, expected["h.1.attn.y"][:, :, 2:3], rtol=1e-4, atol=1e-5)
    assert read == [5]


def test_what_two_texts_share() -> None:
    assert [common(*pair) for pair in (([], [1]), ([1, 2], [1, 2, 3]), ([1, 2], [1, 3]), ([2], [1]))] == [0, 2, 1, 0]
