"""Many prompts at once give what each gives alone."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
import pytest
import torch

from nextword.decode import Sampling, TorchEngine, generate, generate_batch, generate_batch_ids, generate_ids
from nextword.decode.batch import Text
from nextword.decode.random_numbers import random_numbers
from nextword.decode.stopping import until_stop
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer

SAMPLING = Sampling(1.0, 20, 0.9)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer()


@pytest.fixture(scope="module")
def small() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(n_ctx=16, n_embd=16, n_head=2, n_layer=1, dropout=0.3))


def prompts_of_very_different_lengths() -> list[list[int]]:
    rng = np.random.default_rng(4)
    return [rng.integers(61, size=length).tolist() for length in (1, 30, 3, 16, 2, 17, 8, 1, 5, 12, 40)]


@pytest.fixture(scope="module")
def known() -> dict[int, list[int]]:
    """What each of the prompts gives alone, once it is known."""
    return {}


@pytest.mark.parametrize("batch_size", [1, 3, 8, 50])
@pytest.mark.parametrize("pace", [1, 5])
def test_each_text_is_what_it_would_be_alone(
    model: GPT, batch_size: int, pace: int, known: dict[int, list[int]]
) -> None:
    """Windows slide (n_ctx is 16), rows are refilled, and texts end where they want, at an id or at the limit."""
    prompts = prompts_of_very_different_lengths()
    written: list[list[int]] = [[] for _ in prompts]

    def take(index: int, id: int) -> bool:
        written[index].append(id)
        return id % 20 != 7 or index % 2 == 0

    engine = TorchEngine(model, min(batch_size, len(prompts)))
    engine.steps_per_call = pace
    generate_batch_ids(engine, prompts, SAMPLING, take, max_new_tokens=35, seed=9)
    for index, prompt in enumerate(prompts):
        if index not in known:
            rng = random_numbers(9, index, len(prompt))
            known[index] = list(islice(generate_ids(TorchEngine(model), prompt, SAMPLING, rng), 35))
        alone = known[index]
        if index % 2:
            end = next((i + 1 for i, id in enumerate(alone) if id % 20 == 7), 35)
            alone = alone[:end]
        assert written[index] == alone
    assert len({len(text) for text in written}) > 2  # some did end early


def test_each_text_has_penalties_of_its_own(model: GPT) -> None:
    sampling = Sampling(0.8, repetition_penalty=1.5, frequency_penalty=0.5, min_p=0.05)
    prompts = prompts_of_very_different_lengths()
    written: list[list[int]] = [[] for _ in prompts]
    engine = TorchEngine(model, 3)
    generate_batch_ids(engine, prompts, sampling, lambda n, id: not written[n].append(id), max_new_tokens=30, seed=9)
    for index, prompt in enumerate(prompts):
        rng = random_numbers(9, index, len(prompt))
        assert written[index] == list(islice(generate_ids(TorchEngine(model), prompt, sampling, rng), 30))


def test_rows_are_refilled_at_once(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TorchEngine(model, 2)
    rows: list[list[int]] = []
    sample = engine.sample
    monkeypatch.setattr(engine, "sample", lambda r, s, u: rows.append(list(r)) or sample(r, s, u))
    left = {0: 1, 1: 5, 2: 2, 3: 2}

    def take(index: int, id: int) -> bool:
        left[index] -= 1
        return left[index] > 0

    generate_batch_ids(engine, [[1], [2], [3], [4]], SAMPLING, take, seed=0)
    assert [len(r) for r in rows] == [2, 2, 2, 2, 2]  # 10 tokens in 5 steps: no row was ever idle


def test_text_for_text_it_is_generate(small: GPT, tokenizer: Tokenizer) -> None:
    prompts = ["One day", "", "The weather was fine, and nobody had anything to do but to sit in the sun. " * 3, "A"]
    texts = generate_batch(small, tokenizer, prompts, max_new_tokens=30, seed=5, batch_size=2, stop=["e", "th"])
    for index, prompt in enumerate(prompts):
        alone = generate(small, tokenizer, prompt, max_new_tokens=30, seed=5, index=index, stop=["e", "th"])
        assert texts[index] == alone
    assert texts != generate_batch(small, tokenizer, prompts, max_new_tokens=30, seed=6, stop=["e", "th"])


def test_without_a_seed_every_call_differs(small: GPT, tokenizer: Tokenizer) -> None:
    assert generate_batch(small, tokenizer, ["A"]) != generate_batch(small, tokenizer, ["A"])


def test_nothing_to_do_is_no_mistake(small: GPT, tokenizer: Tokenizer) -> None:
    assert generate_batch(small, tokenizer, []) == []
    assert generate_batch(small, tokenizer, ["a", ""], max_new_tokens=0) == ["a", ""]


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        (" one.\n\nTwo", ["\n\n"]),
        (" a hedgehog crosses the street", ["og cr", "street"]),
        (" a 🦔 crosses 東京 again", ["京 a", "東"]),
        (" nothing of the kind", ["xyz"]),
        (" no stop", []),
        (" aaaaaab", ["aab", "ab"]),
    ],
)
def test_a_text_ends_where_the_stream_does(tokenizer: Tokenizer, text: str, stop: Sequence[str]) -> None:
    for ids in (tokenizer.encode(text), tokenizer.encode(text)[:-1], [*tokenizer.encode(text), tokenizer.eot_id, 5]):
        decoder, taking = tokenizer.stream(), Text(tokenizer, stop)
        pieces = []
        for id in ids:
            if id == tokenizer.eot_id:
                break
            pieces.append(decoder.feed(id))
        streamed = "".join(until_stop(iter([*pieces, decoder.finish()]), stop))
        for id in ids:
            if not taking.take(id):
                break
        assert taking.finish() == streamed


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prompts": "one text"}, "prompts must be a list of texts"),
        ({"batch_size": 0}, "batch_size must be at least 1, not 0"),
        ({"max_new_tokens": -1}, "max_new_tokens must be at least 0"),
        ({"stop": "end"}, "stop must be a list"),
        ({"top_k": 0}, "top_k must be at least 1"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(
    small: GPT, tokenizer: Tokenizer, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        generate_batch(small, tokenizer, **{"prompts": ["a"], **wrong})  # type: ignore[arg-type]


def test_an_empty_prompt_of_ids_is_refused(model: GPT) -> None:
    with pytest.raises(ValueError, match="A prompt has no token to begin from"):
        generate_batch_ids(model, [[1], []], SAMPLING, lambda index, id: True)
