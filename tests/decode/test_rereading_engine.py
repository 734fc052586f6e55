"""Reading everything anew for each token gives what a cache gives."""

import numpy as np
import pytest
import torch

from nextword.decode import Sampling, TorchEngine, generate_ids
from nextword.decode.rereading_engine import RereadingEngine
from nextword.model import GPT


@pytest.fixture
def engine(model: GPT) -> RereadingEngine:
    return RereadingEngine(model, model.config, n_rows=3)


def test_it_writes_what_a_writer_with_a_cache_writes(model: GPT, engine: RereadingEngine) -> None:
    cached = TorchEngine(model, 3)
    numbers = np.random.default_rng(2).random((5, 2))
    for row, ids in ((0, [3, 1, 4]), (2, [1, 5])):
        engine.read(row, ids)
        cached.read(row, ids)
    for sampling in (Sampling(temperature=1.0, top_k=7), Sampling(temperature=0.0)):
        assert (engine.write([2, 0], sampling, numbers) == cached.write([2, 0], sampling, numbers)).all()
    np.testing.assert_allclose(engine.next_logits([2])[2], cached.next_logits([2])[2], rtol=1e-4, atol=1e-5)
    assert [engine.remaining(0), engine.remaining(2)] == [cached.remaining(0), cached.remaining(2)]


def test_the_loop_slides_its_window(model: GPT) -> None:
    sampling = Sampling(temperature=0.0)
    texts = [
        [id for id, _ in zip(generate_ids(w, [7, 7, 7], sampling), range(40), strict=False)]
        for w in (RereadingEngine(model, model.config), model)
    ]
    assert texts[0] == texts[1]


def test_what_cannot_be_done_is_refused(engine: RereadingEngine) -> None:
    sampling, one = Sampling(), np.zeros((1, 1))
    with pytest.raises(ValueError, match="row 1 has read nothing yet"):
        engine.write([1], sampling, one)
    with pytest.raises(ValueError, match="there is no row 3"):
        engine.read(3, [1])
    with pytest.raises(ValueError, match="outside the vocabulary"):
        engine.read(0, [61])
    engine.read(0, list(range(16)))
    with pytest.raises(ValueError, match="has room for 1 tokens, not for 2"):
        engine.write([0], sampling, np.zeros((2, 1)))
    assert engine.write([0], sampling, one).shape == (1, 1)
    with pytest.raises(ValueError, match="cannot see one more"):
        engine.next_logits([0])[0]
    with pytest.raises(ValueError, match="shape"):
        engine.write([0, 0], sampling, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="n_rows must be at least 1"):
        RereadingEngine(torch.nn.Identity(), engine.config, n_rows=0)
