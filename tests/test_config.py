import dataclasses

import pytest

from nextword.model import CONFIGS, GPT, GPTConfig


# OpenAI's released checkpoints, counted: the sum of their tensors' sizes.
@pytest.mark.parametrize(
    ("name", "n_params"),
    [
        ("gpt2", 124_439_808),
        ("gpt2-medium", 354_823_168),
        ("gpt2-large", 774_030_080),
        ("gpt2-xl", 1_557_611_200),
    ],
)
def test_official_sizes_have_the_official_parameter_counts(name: str, n_params: int) -> None:
    assert CONFIGS[name].n_params == n_params


def test_n_params_counts_what_the_model_has(config: GPTConfig) -> None:
    assert config.n_params == sum(p.numel() for p in GPT(config).parameters())


def test_config_cannot_be_changed(config: GPTConfig) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.n_embd = 24  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_embd": 770}, r"n_embd = 770 cannot be divided among n_head = 12 heads: .* 768"),
        ({"n_layer": 0}, "n_layer must be a whole number of at least 1, not 0"),
        ({"n_ctx": 10.5}, "n_ctx must be a whole number of at least 1, not 10.5"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, not 1.0"),
    ],
)
def test_impossible_shapes_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GPTConfig(**wrong)  # type: ignore[arg-type]
