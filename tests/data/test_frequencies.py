import math

import pytest
import torch

from nextword.data import Windows
from nextword.data.frequencies import AT_ONCE, bytes_per_token, frequencies, frequency_entropy, token_counts
from nextword.data.mixture import Mixture
from nextword.evaluate.plain import frequency_loss
from nextword.tokenizer import Tokenizer


def test_counts_and_entropy() -> None:
    ids = torch.tensor([0, 1, 1, 2], dtype=torch.int32)
    assert token_counts(ids, 5).tolist() == [1, 2, 1, 0, 0]
    shares = frequencies(Windows(ids, 2, 2), 5)
    assert shares.tolist() == [0.25, 0.5, 0.25, 0.0, 0.0]
    assert frequency_entropy(shares) == pytest.approx(1.5 * math.log(2))
    assert frequency_entropy(shares) == pytest.approx(frequency_loss(ids))


def test_sources_count_by_their_shares() -> None:
    parts = (Windows(torch.zeros(10, dtype=torch.int32), 2, 2), Windows(torch.ones(100, dtype=torch.int32), 2, 2))
    assert frequencies(Mixture(parts, (0.75, 0.25)), 3).tolist() == [0.75, 0.25, 0.0]


def test_a_long_text_is_counted_in_parts() -> None:
    ids = torch.zeros(AT_ONCE + 3, dtype=torch.uint8)
    ids[-1] = 1
    assert token_counts(ids, 2).tolist() == [AT_ONCE + 2, 1]


def test_bytes_of_a_token() -> None:
    tokenizer = Tokenizer()
    assert tokenizer.eot_id is not None
    ids = torch.tensor([*tokenizer.encode("The naïve piano"), tokenizer.eot_id])
    expected = len("The naïve piano".encode()) / len(ids)
    assert bytes_per_token(frequencies(Windows(ids, 2, 2), 50_257), tokenizer) == pytest.approx(expected)
