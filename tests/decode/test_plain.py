"""The blackboard's way of writing is the fast one's: the same probabilities, the same greedy texts."""

import math
from collections.abc import Callable

import pytest
import torch
from chances import probabilities

from nextword.decode import Sampling, generate_ids
from nextword.decode.plain import continue_text, generate, greedy, sample, sample_top_k, sample_top_p
from nextword.model import GPT, KVCache

DRAWS = 20_000
LOGITS = torch.randn(2, 12, generator=torch.Generator().manual_seed(3)) * 2


def frequencies(draw: Callable[[torch.Tensor], torch.Tensor], row: int) -> torch.Tensor:
    """How often each token is drawn of one row of LOGITS."""
    torch.manual_seed(0)
    drawn = draw(LOGITS[row].expand(DRAWS, -1))
    return torch.bincount(drawn, minlength=12) / DRAWS


@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize(
    ("draw", "sampling"),
    [
        (lambda x: sample(x), Sampling(1.0, None)),
        (lambda x: sample(x, 0.5), Sampling(0.5, None)),
        (lambda x: sample(x, 0.0), Sampling(0.0, None)),
        (lambda x: sample_top_k(x, 3), Sampling(1.0, 3)),
        (lambda x: sample_top_k(x, 99, 2.0), Sampling(2.0, 99)),
        (lambda x: sample_top_p(x, 0.8), Sampling(1.0, None, 0.8)),
        (lambda x: sample_top_p(x, 0.5, 1.7), Sampling(1.7, None, 0.5)),
        (lambda x: sample_top_p(x, 0.001), Sampling(1.0, None, 0.001)),
    ],
)
def test_tokens_are_drawn_as_often_as_the_fast_way_says(
    draw: Callable[[torch.Tensor], torch.Tensor], sampling: Sampling, row: int
) -> None:
    expected = probabilities(sampling, LOGITS[row : row + 1])[0]
    deviation = (expected * (1 - expected) / DRAWS).sqrt()
    assert ((frequencies(draw, row) - expected).abs() <= 5 * deviation).all()


def test_of_equal_tokens_exactly_k_can_be_drawn() -> None:
    torch.manual_seed(0)
    assert len(sample_top_k(torch.zeros(500, 6), 2).unique()) == 2


@pytest.mark.parametrize("k", [0, -1])
def test_top_k_needs_a_token(k: int) -> None:
    with pytest.raises(ValueError, match=f"k must be at least 1, not {k}"):
        sample_top_k(LOGITS, k)


def test_greedy_texts_are_the_fast_ways(model: GPT, ids: torch.Tensor) -> None:
    written = generate(model, ids[:, :4], 9, lambda logits: logits.argmax(-1), n_ctx=16)
    for row in range(2):
        fast = generate_ids(model, ids[row, :4].tolist(), Sampling(0.0))
        assert written[row, 4:].tolist() == [next(fast) for _ in range(9)]
    assert greedy(model(ids[:, :4])).tolist() == written[:, 4].tolist()


def test_a_long_text_is_seen_from_its_end(model: GPT, ids: torch.Tensor) -> None:
    written = generate(model, ids, 1, lambda logits: logits.argmax(-1), n_ctx=16)
    longer = torch.cat((ids[:, :5], ids), dim=1)
    assert generate(model, longer, 1, lambda logits: logits.argmax(-1), n_ctx=16)[:, -1].equal(written[:, -1])


def test_rows_end_separately_and_then_all(model: GPT) -> None:
    said = iter([[7, 1], [2, 1], [3, 7], [4, 5]])
    written = generate(model, torch.zeros(2, 1, dtype=torch.long), 9, lambda _: torch.tensor(next(said)), 16, end_id=7)
    assert written.tolist() == [[0, 7, 7, 7], [0, 1, 1, 7]]


def test_the_mode_is_put_back_and_dropout_is_off(model: GPT, ids: torch.Tensor) -> None:
    modes = []
    model.train()
    model.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    generate(model, ids[:, :3], 2, lambda logits: logits.argmax(-1), n_ctx=16)
    assert (modes, model.training) == ([False, False], True)


def test_a_tiny_temperature_is_nearly_greedy() -> None:
    assert sample(LOGITS, 1e-3).equal(LOGITS.argmax(-1))
    assert math.isfinite(float(sample(LOGITS, 1e-3).sum()))


@pytest.mark.parametrize("parts", [[16], [1] * 16, [4, 1, 1, 7, 3]])
def test_continuing_a_text_says_what_reading_it_at_once_says(model: GPT, ids: torch.Tensor, parts: list[int]) -> None:
    cache = KVCache(model.config, batch_size=2)
    logits = torch.cat([continue_text(model, part, cache) for part in ids.split(parts, dim=1)], dim=1)
    assert cache.length == 16
    torch.testing.assert_close(logits, model(ids), rtol=1e-4, atol=1e-5)
