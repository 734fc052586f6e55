"""Text in, text out, with a model that says what the test wants it to say."""

from collections.abc import Iterator
from itertools import islice

import pytest
import torch

import nextword
from nextword.decode import Sampling, generate, generate_batch, generate_ids, stream
from nextword.decode.random_numbers import random_numbers
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer()


@pytest.fixture(scope="module")
def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(n_ctx=64, n_embd=16, n_head=2, n_layer=1, dropout=0.3))


def saying(ids: list[int], monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Let every model write these ids; gives the list of the prompts that it is shown."""
    prompts: list[list[int]] = []

    def generate_ids(_model: GPT, prompt: list[int], *_: object) -> Iterator[int]:
        prompts.append(prompt)
        yield from ids
        pytest.fail("more tokens were asked for than are needed")

    monkeypatch.setattr("nextword.decode.writing.generate_ids", generate_ids)
    return prompts


def test_the_same_seed_writes_the_same_text(model: GPT, tokenizer: Tokenizer) -> None:
    texts = [generate(model, tokenizer, "One day", max_new_tokens=20, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0].startswith("One day")


def test_a_seed_goes_on_from_the_middle_as_it_went_on_before(model: GPT) -> None:
    sampling = Sampling(1.0, None)
    whole = list(islice(generate_ids(model, [5, 6, 7], sampling, random_numbers(1, 0, 3)), 20))
    rest = generate_ids(model, [5, 6, 7, *whole[:9]], sampling, random_numbers(1, 0, 12))
    assert whole[9:] == list(islice(rest, 11))


def test_writing_neither_reads_nor_moves_the_global_random_state(model: GPT, tokenizer: Tokenizer) -> None:
    before = torch.get_rng_state()
    generate(model, tokenizer, "One day", max_new_tokens=5)
    assert torch.equal(before, torch.get_rng_state())


def test_max_new_tokens_counts_tokens(model: GPT, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    saying(tokenizer.encode(" one two three"), monkeypatch)
    assert generate(model, tokenizer, "zero", max_new_tokens=3) == "zero one two three"
    assert generate(model, tokenizer, "zero", max_new_tokens=0) == "zero"


def test_endoftext_ends_the_text(model: GPT, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    saying([*tokenizer.encode(" the end"), tokenizer.eot_id], monkeypatch)
    assert generate(model, tokenizer, "This is", max_new_tokens=9) == "This is the end"


def test_an_empty_prompt_begins_a_fresh_document(
    model: GPT, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = saying([tokenizer.eot_id], monkeypatch)
    assert generate(model, tokenizer, "") == ""
    assert prompts == [[50256]]


def test_a_prompt_is_read_in_one_way_everywhere(
    model: GPT, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As transformers' tokenizer reads it, alone, as one of many, and as the command line does."""
    prompt = "One day<|endoftext|>Another"
    prompts = saying([tokenizer.eot_id], monkeypatch)
    monkeypatch.setattr("nextword.decode.batch.generate_batch_ids", lambda _model, many, *_, **__: prompts.extend(many))
    assert generate(model, tokenizer, prompt) == prompt
    assert generate_batch(model, tokenizer, [prompt, ""])[0] == prompt
    assert prompts == [[3198, 1110, 50256, 6610], [3198, 1110, 50256, 6610], [50256]]


def test_pieces_are_whole_characters(model: GPT, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " a 🦔 crosses 東京"
    saying(tokenizer.encode(text), monkeypatch)
    pieces = list(stream(model, tokenizer, "Look:", max_new_tokens=len(tokenizer.encode(text))))
    assert "".join(pieces) == text
    assert not any("�" in piece for piece in pieces)


def test_a_character_that_is_cut_off_by_the_limit_is_not_hidden(
    model: GPT, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    saying(tokenizer.encode(" 🦔")[:2], monkeypatch)
    assert "".join(stream(model, tokenizer, "Look:", max_new_tokens=2)) == " �"


def test_a_stop_text_ends_the_text_before_it(model: GPT, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    saying(tokenizer.encode(" one.\n\nTwo"), monkeypatch)
    assert generate(model, tokenizer, "Is", stop=["\n\n"]) == "Is one."


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_new_tokens": -1}, "max_new_tokens must be at least 0, not -1"),
        ({"temperature": -1.0}, "temperature must be 0"),
        ({"top_k": 0}, "top_k must be at least 1"),
        ({"stop": [""]}, "stop must be a list of texts with at least one character"),
        ({"stop": "end"}, "stop must be a list of texts"),
    ],
)
def test_arguments_that_mean_nothing_are_refused_before_writing(
    model: GPT, tokenizer: Tokenizer, wrong: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        stream(model, tokenizer, "x", **wrong)  # type: ignore[arg-type]


def test_the_public_names_lead_here() -> None:
    assert nextword.generate is generate
    assert nextword.stream is stream
