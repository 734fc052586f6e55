"""The writing loop, against the plainest loop there is: the whole text through the model for every token."""

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest
import torch
from conftest import TINY, randomize
from reference import theirs

from nextword.decode import Engine, Sampling, TorchEngine, engine_for, generate_ids
from nextword.decode.rereading_engine import RereadingEngine
from nextword.model import GPT, GPTConfig

GREEDY = Sampling(temperature=0)


@torch.inference_mode()
def plainly(model: GPT, ids: list[int], count: int) -> list[int]:
    """Greedy writing without a cache, for texts within n_ctx."""
    text = list(ids)
    for _ in range(count):
        text.append(int(model(torch.tensor([text]))[0, -1].argmax()))
    return text[len(ids) :]


def test_the_cached_loop_writes_what_the_plain_one_does(model: GPT) -> None:
    prompt = [3, 14, 15]
    assert list(islice(generate_ids(model, prompt, GREEDY), 13)) == plainly(model, prompt, 13)


def test_transformers_writes_the_same(model: GPT) -> None:
    written = theirs(model).generate(
        torch.tensor([[3, 14, 15]]), max_new_tokens=13, do_sample=False, pad_token_id=0, eos_token_id=None
    )
    assert list(islice(generate_ids(model, [3, 14, 15], GREEDY), 13)) == written[0, 3:].tolist()


def test_beyond_n_ctx_the_window_slides_and_says_so_once(model: GPT) -> None:
    notices: list[str] = []
    written = list(islice(generate_ids(model, [3, 14, 15], GREEDY, notice=notices.append), 40))
    # The same by hand: up to 16 tokens are read, then the last 8, which grow to 16 again.
    text = [3, 14, 15]
    window = text
    for _ in range(40):
        new = plainly(model, window, 1)
        text, window = text + new, window + new
        if len(window) > 16:
            window = text[-8:]
    assert written == text[3:]
    assert notices == ["The text has outgrown n_ctx = 16 tokens: from here on the model sees the last 8 to 16."]


def test_of_a_long_prompt_the_last_n_ctx_tokens_are_seen(model: GPT) -> None:
    notices: list[str] = []
    prompt = [i % 61 for i in range(40)]
    first = next(generate_ids(model, prompt, GREEDY, notice=notices.append))
    assert first == plainly(model, prompt[-16:], 1)[0]
    assert notices == [
        "The prompt has 40 tokens, more than n_ctx = 16: the first new token is chosen from the last 16 of them, "
        "and the next ones from the last 8 to 16 of the text."
    ]


def test_dropout_is_off_while_writing_and_the_mode_is_put_back() -> None:
    model = GPT(GPTConfig(**{**vars(TINY), "dropout": 0.5})).train()
    randomize(model)
    writing = generate_ids(model, [1, 2], GREEDY)
    written = list(islice(writing, 10))
    writing.close()
    assert model.training
    assert all(module.training for module in model.modules())
    assert written == plainly(model.eval(), [1, 2], 10)


def test_each_token_is_read_once_and_the_prompt_in_one_piece(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []
    trunk = model.trunk
    monkeypatch.setattr(model, "trunk", lambda ids, cache: lengths.append(ids.size(1)) or trunk(ids, cache))
    list(islice(generate_ids(TorchEngine(model), [1, 2, 3], GREEDY), 4))
    assert lengths == [3, 1, 1, 1]


def test_one_number_a_token_decides_whatever_the_pace(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = Sampling(1.0, None)
    expected = list(islice(generate_ids(model, [3, 14], sampling, np.random.default_rng(5)), 40))
    for pace in (3, 16):
        engine = TorchEngine(model)
        monkeypatch.setattr(engine, "steps_per_call", pace)
        counts = []
        sample = engine.sample
        monkeypatch.setattr(engine, "sample", lambda rows, s, u: counts.append(len(u)) or sample(rows, s, u))
        assert list(islice(generate_ids(engine, [3, 14], sampling, np.random.default_rng(5)), 40)) == expected
        assert counts[:3] == [1, 2, min(4, pace)]  # the first token soon, then more at a time
    other = list(islice(generate_ids(model, [3, 14], sampling, np.random.default_rng(6)), 40))
    assert other != expected


def test_no_gradient_is_recorded(model: GPT) -> None:
    list(islice(generate_ids(model, [1], GREEDY), 3))
    assert not model.wte.weight.is_inference()
    assert torch.is_grad_enabled()


def test_an_empty_prompt_is_refused(model: GPT) -> None:
    with pytest.raises(ValueError, match="no token to begin from: give at least one id, such as 50256"):
        next(generate_ids(model, [], GREEDY))


ENGINES = [engine_for, TorchEngine, lambda model: RereadingEngine(model, model.config)]


@pytest.mark.parametrize("make", ENGINES)
def test_a_logits_processor_that_changes_nothing_writes_the_same(make: Callable[[GPT], Engine], model: GPT) -> None:
    """By advance and put, token by token, as by the engine's own choice."""
    plain, processed = Sampling(1.0, 20, 0.9), Sampling(1.0, 20, 0.9, logit_bias={3: 0.0})
    texts = [
        list(islice(generate_ids(make(model), [3, 14, 15], sampling, np.random.default_rng(5)), 40))
        for sampling in (plain, processed)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("make", ENGINES)
def test_penalties_look_at_the_whole_text(make: Callable[[GPT], Engine], model: GPT) -> None:
    """Also at what has left the window: where a repetition is forbidden, no token comes twice."""
    written = list(islice(generate_ids(make(model), [3, 14], Sampling(0.0, frequency_penalty=1e9)), 40))
    assert len(set(written)) == 40


@pytest.mark.parametrize("wrong", [{"logit_bias": {10**6: 1.0}}, {"allowed_ids": [1, 10**6]}])
def test_ids_outside_the_vocabulary_are_refused(model: GPT, wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} names id 1000000, outside the vocabulary of 0 to"):
        next(generate_ids(model, [1], Sampling(**wrong)))
