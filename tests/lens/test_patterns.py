import pytest
import torch

from nextword.lens.patterns import PATTERNS, patterns

IDS = [7, 3, 9, 5, 7, 3, 2]
BEFORE, FIRST, ITSELF, SUCCESSOR = range(4)


def looking(*positions: int) -> torch.Tensor:
    """A head whose tokens look each at one position with all of their attention: (1, T, T)."""
    return torch.nn.functional.one_hot(torch.tensor(positions), len(positions))[None].float()


@pytest.mark.parametrize(
    ("pattern", "positions"),
    [
        (BEFORE, (0, 0, 1, 2, 3, 4, 5)),
        (FIRST, (0, 0, 0, 0, 0, 0, 0)),
        (ITSELF, (0, 1, 2, 3, 4, 5, 6)),
        (SUCCESSOR, (0, 0, 1, 1, 1, 2, 3)),  # the second 7 looks at what came after the first, and so does the second 3
    ],
)
def test_a_head_of_each_pattern_is_found(pattern: int, positions: tuple[int, ...]) -> None:
    shares = patterns(looking(*positions), IDS)[0]
    assert shares[pattern] == 1
    assert (shares > 0.5).tolist() == [other == pattern for other in range(len(PATTERNS))]


def test_it_is_an_average_over_the_tokens_that_have_one() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(3, 7, 7, generator=generator).masked_fill(~torch.ones(7, 7).tril().bool(), -torch.inf)
    weights = weights.softmax(-1)
    found = patterns(weights, IDS)
    for head in range(3):
        rows = range(2, 7)
        right = [
            sum(float(weights[head, i, i - 1]) for i in rows) / 5,
            sum(float(weights[head, i, 0]) for i in rows) / 5,
            sum(float(weights[head, i, i]) for i in rows) / 5,
            (float(weights[head, 4, 1]) + float(weights[head, 5, 2])) / 2,
        ]
        torch.testing.assert_close(found[head], torch.tensor(right))


def test_what_no_token_has_is_not_measured() -> None:
    assert patterns(looking(0, 1, 2), [1, 2, 3]).isnan().tolist() == [[False, False, False, True]]
    assert patterns(looking(0, 1), [1, 1]).isnan().all()
    # After an earlier 4 comes the token right before the next 4: that is "before" already.
    assert patterns(looking(0, 1, 1), [4, 2, 4])[0, SUCCESSOR].isnan()


def test_ids_of_another_text() -> None:
    with pytest.raises(ValueError, match="weights are of 3 tokens, and 2 ids were given"):
        patterns(looking(0, 1, 2), [1, 2])
