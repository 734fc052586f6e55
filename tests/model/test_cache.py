"""Reading with a cache gives the logits of reading at once, in whatever portions."""

import pytest
import torch
from conftest import TINY, randomize
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nextword.model import GPT, GPTConfig, KVCache, fused, plain


@given(
    st.lists(st.integers(1, 16), min_size=1).filter(lambda cuts: sum(cuts) <= 16),
    st.sampled_from([fused, plain]),
)
@settings(max_examples=60, deadline=None)
def test_any_portions_give_the_logits_of_one_piece(portions: list[int], ops: object) -> None:
    model = GPT(TINY, ops=ops).eval()  # type: ignore[arg-type]
    randomize(model)
    ids = torch.randint(61, (3, sum(portions)), generator=torch.Generator().manual_seed(5))
    cache = KVCache(TINY, batch_size=3)
    with torch.inference_mode():
        pieces = [model(part, cache) for part in ids.split(portions, dim=1)]
        torch.testing.assert_close(torch.cat(pieces, 1), model(ids), rtol=1e-4, atol=1e-5)
    assert cache.length == ids.size(1)


def test_a_cleared_cache_is_like_a_new_one(model: GPT, config: GPTConfig, ids: Tensor) -> None:
    cache = KVCache(config, batch_size=2)
    model(ids, cache)
    cache.clear()
    torch.testing.assert_close(model(ids[:, :3], cache), model(ids[:, :3]))


def test_a_full_cache_refuses_more_and_keeps_what_it_has(model: GPT, config: GPTConfig, ids: Tensor) -> None:
    cache = KVCache(config, batch_size=2)
    model(ids[:, :10], cache)
    with pytest.raises(
        ValueError, match=r"10 in the cache \+ 7 tokens are more than n_ctx = 16: .* in a cleared cache"
    ):
        model(ids[:, :7], cache)
    torch.testing.assert_close(model(ids[:, 10:], cache), model(ids)[:, 10:], rtol=1e-4, atol=1e-5)


def test_a_cache_for_another_number_of_texts_is_refused(model: GPT, config: GPTConfig, ids: Tensor) -> None:
    with pytest.raises(ValueError, match="the cache holds 1 texts side by side, but ids has 2"):
        model(ids, KVCache(config))


def test_no_graph_grows_in_the_cache(model: GPT, config: GPTConfig, ids: Tensor) -> None:
    cache = KVCache(config, batch_size=2)
    model(ids[:, :4], cache)
    keys, _ = cache.extend(0, torch.zeros(2, 3, 1, 4), torch.zeros(2, 3, 1, 4))
    assert not keys.requires_grad


def test_a_branch_goes_on_from_the_middle_of_a_text(model: GPT, config: GPTConfig, ids: torch.Tensor) -> None:
    cache = KVCache(config, batch_size=2)
    model(ids, cache)
    branch = cache.branch(10)
    assert branch.length == 10
    other = ids.flip(1)[:, :6]
    both = torch.cat([ids[:, :10], other], dim=1)
    torch.testing.assert_close(model(other, branch), model(both)[:, 10:], rtol=1e-4, atol=1e-5)
    keys, values = cache.held(1)
    assert keys.shape == values.shape == (2, 3, 16, 4)
    assert not torch.equal(branch.held(1)[0][:, :, 10:], keys[:, :, 10:])  # what the old one holds is its own
    assert torch.equal(branch.held(1)[1][:, :, :10], values[:, :, :10])
