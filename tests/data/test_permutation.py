import itertools

import pytest

from nextword.data import windows
from nextword.data.permutation import epoch_key, permuted
from nextword.data.windows import order, window_at


@pytest.mark.parametrize("n", [1, 2, 3, 5, 64, 65, 1000])
def test_each_number_comes_once(n: int) -> None:
    for epoch in range(2):
        key = epoch_key(7, epoch)
        assert sorted(permuted(i, n, key) for i in range(n)) == list(range(n))


def test_epochs_and_seeds_have_orders_of_their_own_that_look_random() -> None:
    n = 1000
    orders = {
        (seed, epoch): [permuted(i, n, epoch_key(seed, epoch)) for i in range(n)] for seed in (1, 2) for epoch in (0, 1)
    }
    assert len({tuple(one) for one in orders.values()}) == 4
    for one in orders.values():
        assert sum(i == place for i, place in enumerate(one)) < 8  # one fixed point on average
        assert sum(b == a + 1 for a, b in itertools.pairwise(one)) < 8
        assert 300 < sum(one[:500]) / 500 < 700


def test_huge_numbers_need_no_memory() -> None:
    n = 10**15 + 7
    places = [permuted(i, n, epoch_key(1, 0)) for i in range(200)]
    assert len(set(places)) == 200
    assert max(places) < n
    assert max(places) > n / 2


def test_few_windows_come_as_they_always_did(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [window_at(50, 3, 1, place) for place in range(50)]
    assert drawn == order(50, 3, 1).tolist()
    monkeypatch.setattr(windows, "MOST_DRAWN", 49)
    other = [window_at(50, 3, 1, place) for place in range(50)]
    assert sorted(other) == sorted(drawn)
    assert other != drawn
