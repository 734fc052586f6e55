import pytest

from nextword.config import CONFIGS, GPTConfig
from nextword.model import GPT
from nextword.shape import described, in_millions, parse_size, shape_of_depth, shape_of_size

VOCABULARIES = (65, 257, 1000, 8000, 32000, 50257)


@pytest.mark.parametrize("n_vocab", VOCABULARIES)
@pytest.mark.parametrize("n_params", [3 * 10**6, 10**7, 3 * 10**7, 124_439_808, 10**9])
def test_a_size_is_met_within_a_sixth_or_refused(n_params: int, n_vocab: int) -> None:
    try:
        shape = shape_of_size(n_params, n_vocab)
    except ValueError:
        assert n_vocab * 64 > 0.8 * n_params  # the narrowest model's embeddings alone
        return
    assert shape.n_vocab == n_vocab
    hardly_any_room = n_vocab * 64 > 0.6 * n_params
    assert hardly_any_room or 6 / 7 < shape.n_params / n_params < 7 / 6
    assert shape.n_embd // shape.n_head == 64


@pytest.mark.parametrize("n_vocab", VOCABULARIES)
def test_a_larger_size_is_never_a_smaller_model(n_vocab: int) -> None:
    found = [shape_of_size(2**i * 3 * 10**6, n_vocab).n_params for i in range(9)]
    assert found == sorted(set(found))


def test_where_the_vocabulary_leaves_room_the_width_is_about_64_a_block() -> None:
    for n_params in (10**6, 10**7, 10**8, 10**9):
        shape = shape_of_size(n_params, 257)
        assert 32 <= shape.n_embd / shape.n_layer <= 128, shape


def test_the_dial_finds_the_sizes_that_everybody_knows() -> None:
    assert shape_of_size(124_000_000, 50257) == CONFIGS["gpt2"] == shape_of_depth(12, 50257)
    # nanoGPT's model for Shakespeare by characters: 6 layers, 6 heads, width 384, context 256.
    assert shape_of_depth(6, 65) == shape_of_size(10_000_000, 65) == GPTConfig(65, 256, 384, 6, 6)


def test_the_context_can_be_given_beside_the_dial() -> None:
    assert shape_of_depth(2, 65, n_ctx=32).n_ctx == 32
    assert shape_of_size(10_000_000, 1000, n_ctx=2048).n_ctx == 2048


def test_a_vocabulary_that_does_not_fit_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        ValueError, match=r"1M parameters are too few for a vocabulary of 50,257: .* has 3.28M. Ask for"
    ):
        shape_of_size(1_000_000, 50257)


def test_the_description_counts_what_the_model_has() -> None:
    shape = shape_of_depth(2, 300, n_ctx=64)
    model = GPT(shape)
    n_params = sum(p.numel() for p in model.parameters())
    assert described(shape) == (
        f"{n_params / 1e3:.0f}k parameters: 2 blocks, width 128, 2 heads of 64, context 64; "
        f"{model.wte.weight.numel() / n_params:.0%} of them embed the 300 tokens"
    )
    assert "1 block, width 64, 1 head of 64" in described(shape_of_depth(1, 300))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10M", 10**7),
        ("1.5b", 15 * 10**8),
        ("800k", 800_000),
        ("10_000_000", 10**7),
        ("12,345", 12345),
        (" 7 m", 7 * 10**6),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "ten", "M", "0", "-3M", "1e7", "10MB", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 10M, 1.5B or 800k"):
        parse_size(text)


def test_numbers_of_parameters_are_written_short() -> None:
    assert [in_millions(n) for n in (999, 12_345, 10_100_000, 124_439_808, 1_557_611_200)] == [
        "999", "12.3k", "10.1M", "124M", "1.56B"
    ]  # fmt: skip
