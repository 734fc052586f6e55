"""The numbers that a seed gives: those of the published generator, whatever computes them."""

import numpy as np
import pytest

from nextword.decode.random_numbers import random_numbers

ONES = 2**64 - 1


def philox(counter: list[int], key: list[int]) -> list[int]:
    """A block of four words, as Salmon et al. (2011) define philox4x64-10."""
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * counter[0], 0xCA5A826395121157 * counter[2]
        counter = [second >> 64 ^ counter[1] ^ key[0], second & ONES, first >> 64 ^ counter[3] ^ key[1], first & ONES]
        key = [(key[0] + 0x9E3779B97F4A7C15) & ONES, (key[1] + 0xBB67AE8584CAA73B) & ONES]
    return counter


def test_the_reference_gives_the_published_words() -> None:
    """Random123's known answers: tests/kat_vectors."""
    assert philox([0] * 4, [0] * 2) == [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert philox([ONES] * 4, [ONES] * 2) == [
        0x87B092C3013FE90B,
        0x438C3C67BE8D0224,
        0x9CC7D7C69CD777B6,
        0xA09CAEBF594F0BA0,
    ]


@pytest.mark.parametrize("seed", [0, 7, 2**32 + 5, ONES])
def test_a_number_depends_on_seed_index_and_place_only(seed: int) -> None:
    for index in (0, 1, 300):
        numbers = [(philox([place // 4 + 1, index, 0, 0], [seed, 0])[place % 4] >> 11) / 2**53 for place in range(1040)]
        for place in (0, 1, 2, 3, 4, 5, 1023):
            assert random_numbers(seed, index, place).random(17).tolist() == numbers[place : place + 17]


def test_without_a_seed_they_are_others_every_time() -> None:
    assert not np.array_equal(random_numbers(None, 0, 0).random(4), random_numbers(None, 0, 0).random(4))
