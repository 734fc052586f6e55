import math
from itertools import pairwise

import pytest

from nextword.curves import Circumstances, band, band_edges, first_loss
from nextword.curves.expected import expected_share, frequencies, tokens_worth

SHAKESPEARE = Circumstances(10_650_000, 65, 16_384, 1_003_854, 1.0, 3.31, warmup=100)
FINEWEB = Circumstances(124_475_904, 50_257, 524_288, warmup=700)


def test_it_begins_at_the_logarithm_of_the_vocabulary() -> None:
    for run in (SHAKESPEARE, FINEWEB):
        first, edges = first_loss(run), band(0, run)
        assert first is not None
        assert edges is not None
        assert edges[0] < first < edges[1]


@pytest.mark.parametrize(
    ("run", "step", "loss"),
    [
        (SHAKESPEARE, 1_750, 1.47),
        (SHAKESPEARE, 5_000, 1.47),
        (Circumstances(800_000, 65, 768, 1_003_854, 1.0, 3.31, warmup=100), 2_000, 1.88),
        (FINEWEB, 18_865, 3.28),
        (Circumstances(124_000_000, 50_304, 491_520, 9_035_582_198, warmup=2000), 600_000, 2.85),
        (Circumstances(1_558_000_000, 50_257, 1_048_576, warmup=700), 32_000, 2.6),
    ],
)
def test_published_figures_lie_in_the_band(run: Circumstances, step: int, loss: float) -> None:
    edges = band(step, run)
    assert edges is not None
    assert edges[0] < loss < edges[1]


def test_it_falls_and_the_band_is_never_empty() -> None:
    for run in (SHAKESPEARE, FINEWEB):
        edges = band_edges(run, 20_000)
        assert edges[0][0] == 0
        assert edges[-1][0] == 20_000
        assert all(low < high for _, low, high in edges)
        assert all(later[2] <= earlier[2] + 1e-9 for earlier, later in pairwise(edges))


def test_tokens_read_again_count_for_less() -> None:
    assert tokens_worth(61, SHAKESPEARE) == 61 * 16_384
    assert tokens_worth(1_000_000, SHAKESPEARE) == pytest.approx(16.4 * 1_003_854, rel=0.01)


def test_nothing_is_expected_where_nothing_is_known() -> None:
    assert band(100, Circumstances()) is None
    assert band(100, Circumstances(n_vocab=50_257, fine_tuned=True)) is None
    assert band_edges(Circumstances(), 100) == []
    assert frequencies(Circumstances()) is None
    assert 0.2 <= expected_share(10**9, Circumstances()) <= 1.0


def test_frequencies_are_guessed_by_the_vocabulary() -> None:
    guesses = [frequencies(Circumstances(n_vocab=n_vocab)) for n_vocab in (65, 257, 512, 4_096, 50_257)]
    assert guesses[0] == pytest.approx(3.3, abs=0.1)
    assert guesses[-1] == pytest.approx(7.4, abs=0.1)
    assert all(guess is not None and guess < math.log(60_000) for guess in guesses)
    assert guesses == sorted(guesses, key=float)  # type: ignore[arg-type]
