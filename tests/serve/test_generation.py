import numpy as np
import pytest
import torch

from nextword.decode import Sampling
from nextword.serve.generation import Generation
from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
V = TOKENIZER.n_vocab


def generation(ids: list[int], **settings: object) -> Generation:
    return Generation(
        ids, 3, Sampling(1.0, None), np.random.default_rng(0), lambda events: None, {TOKENIZER.eot_id}, **settings
    )


@pytest.mark.parametrize("parts", [[5], [1, 4], [2, 2, 1], [1] * 5])
def test_a_prompt_is_scored_in_whatever_parts_it_is_read(parts: list[int]) -> None:
    ids = [3, 1, 4, 1, 5]
    scores = np.random.default_rng(1).normal(size=(5, V)).astype(np.float32)
    reading = generation(ids, n_logprobs=2, with_prompt_logprobs=True)
    cuts = np.split(scores, np.cumsum(parts)[:-1])
    assert [reading.prefill(part) for part in cuts] == [False] * (len(parts) - 1) + [True]
    right = torch.from_numpy(scores).double().log_softmax(-1)
    assert [one.logprob for one in reading.prompt_logprobs] == pytest.approx(
        right[range(4), ids[1:]].tolist(), abs=1e-5
    )


def test_what_is_not_scored_is_read_when_its_end_is() -> None:
    assert generation([3, 1, 4]).prefill(np.zeros((1, V), np.float32))


def test_a_job_is_written_token_by_token_to_its_last() -> None:
    writing = generation([3])
    said = []
    for id in TOKENIZER.encode(" one two three"):
        logits = np.full(V, -100.0, np.float32)
        logits[id] = 100.0
        said.append(writing.decode(logits))
    assert [id for id, _ in said] == TOKENIZER.encode(" one two three")
    assert [(piece.text, piece.finish_reason) for _, piece in said] == [
        (" one", None),
        (" two", None),
        (" three", "length"),
    ]
    assert writing.n_written == 3
