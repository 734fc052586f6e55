"""Splitting into heads and merging, one number at a time."""

import torch

from nextword.model.attention import merge_heads, split_heads


def test_the_first_numbers_of_a_token_go_to_the_first_head() -> None:
    x = torch.arange(2 * 5 * 12).view(2, 5, 12)
    heads = split_heads(x, 3)
    assert heads.shape == (2, 3, 5, 4)
    for b, h, t in ((0, 0, 0), (1, 2, 4), (1, 0, 3), (0, 1, 2)):
        assert heads[b, h, t].tolist() == x[b, t, 4 * h : 4 * h + 4].tolist()


def test_merging_is_splitting_backwards() -> None:
    x = torch.arange(2 * 5 * 12).view(2, 5, 12)
    assert torch.equal(merge_heads(split_heads(x, 3)), x)
