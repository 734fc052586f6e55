"""The loss of any text: as lm-evaluation-harness cuts it, and as a plain loop computes it."""

import math

import numpy as np
import pytest
import torch

from nextword.errors import DataError
from nextword.evaluate.running import outcomes_of
from nextword.evaluate.task import results
from nextword.evaluate.text import ANY_TEXT, TextTask, loss_by_position, rolling_windows
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer

TEXTS = ("One goat went over the bridge, and the water rose. " * 3, "Then another — a smaller one — came.\n", "Hi.")


@pytest.fixture(scope="module")
def small() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(n_ctx=16, n_embd=12, n_head=3, n_layer=2)).eval()


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 18, 32, 33, 50])
@pytest.mark.parametrize("stride", [16, 5, 1])
def test_windows_are_those_of_the_harness(length, stride):
    utils = pytest.importorskip("lm_eval.utils", reason="lm-eval is not installed: pip install lm-eval")
    ids = list(range(1, length + 1))
    found = [([0, *ids][a:b], [0, *ids][b:c]) for a, b, c in rolling_windows(length + 1, 16, stride)]
    theirs = utils.get_rolling_token_windows(ids, 0, 16, 16 - stride + 1)
    assert found == [utils.make_disjoint_window(pair) for pair in theirs]


@pytest.mark.parametrize("stride", [None, 4])
def test_loss_perplexity_and_bits_are_a_plain_loops(small, stride):
    tokenizer = Tokenizer()
    task = TextTask(TEXTS, tokenizer, 16, stride)
    outcomes = list(outcomes_of(small, task).values())
    surprises, by_seen = [], {}
    for text in TEXTS:
        ids = [tokenizer.eot_id, *tokenizer.encode(text)]
        for start, scored, end in rolling_windows(len(ids), 16, stride or 16):
            log_p = small(torch.tensor([ids[start : end - 1]]))[0].double().log_softmax(-1)
            for place in range(scored, end):
                surprise = -log_p[place - 1 - start, ids[place]].item()
                surprises.append(surprise)
                by_seen.setdefault(2 ** math.ceil(math.log2(place - start)), []).append(surprise)
    assert len(surprises) == sum(len(tokenizer.encode(text)) for text in TEXTS)
    found = {result.measure.name: result.value for result in results(ANY_TEXT, outcomes)}
    loss = np.mean(surprises)
    assert found["loss a token"] == pytest.approx(loss, rel=1e-5)
    assert found["perplexity"] == pytest.approx(math.exp(loss), rel=1e-4)
    n_bytes = sum(len(text.encode()) for text in TEXTS)
    assert found["bits a byte"] == pytest.approx(sum(surprises) / math.log(2) / n_bytes, rel=1e-5)
    assert loss_by_position(outcomes) == [(n, pytest.approx(np.mean(by_seen[n]), rel=1e-5)) for n in sorted(by_seen)]


def test_many_documents_are_drawn_whole_and_few_by_their_windows(small):
    for n, groups in ((1, {None}), (10, set(range(30)))):
        outcomes = outcomes_of(small, TextTask(TEXTS * n, Tokenizer(), 16)).values()
        assert {row.get("group") for row in outcomes} == groups


def test_nothing_to_predict_is_told():
    with pytest.raises(DataError, match="There is no token to predict"):
        TextTask(["H"], Tokenizer(), 16, begins=False)


@pytest.mark.parametrize("stride", [17, -1])
def test_a_stride_that_leaves_gaps_is_refused(stride):
    with pytest.raises(ValueError, match=r"stride must be from 1 to the model's n_ctx = 16"):
        TextTask(TEXTS, Tokenizer(), 16, stride)
