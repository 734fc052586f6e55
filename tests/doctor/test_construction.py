"""Building classes in sizes of our own, whatever their constructors want."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from torch import nn

from nextword.doctor import sizes
from nextword.doctor.arguments import CannotMake
from nextword.doctor.construction import Maker, advice, example
from nextword.learn.fixtures.fixture import CONFIG

EXPECTED = (61, 16, 12, 3, 2)


class Kept(nn.Module):
    """Remembers the sizes that it was built with: n_vocab, n_ctx, n_embd, n_head, n_layer."""

    def __init__(self, *given: Any):
        super().__init__()
        self.given = given


def module_with(**names: Any) -> ModuleType:
    module = ModuleType("theirs")
    vars(module).update(names)
    for thing in names.values():
        if isinstance(thing, type):
            thing.__module__ = "theirs"
    return module


def keywords() -> ModuleType:
    class GPT(Kept):
        def __init__(
            self, vocab_size, d_model=512, nhead=8, num_layers=6, *, max_len=5000, pdrop=0.1, activation="gelu"
        ):
            super().__init__(vocab_size, max_len, d_model, nhead, num_layers)

    return module_with(GPT=GPT)


def a_dictionary() -> ModuleType:
    class GPT(Kept):
        def __init__(self, cfg):
            names = ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers")
            super().__init__(*(cfg[name] for name in names))
            assert cfg["qkv_bias"] is True
            assert cfg.get("other", 7) == 7

    return module_with(GPT=GPT)


def a_dictionary_of_theirs() -> ModuleType:
    class GPT(Kept):
        def __init__(self, cfg):
            super().__init__(*(cfg[name] for name in ("vocab_size", "ctx_len", "emb_dim", "n_heads", "n_layers")))
            assert cfg["own"] == "kept"

    config = {"vocab_size": 5, "ctx_len": 5, "emb_dim": 5, "n_heads": 5, "n_layers": 5, "own": "kept"}
    return module_with(GPT=GPT, SETTINGS=config)


def a_dataclass() -> ModuleType:
    @dataclass(frozen=True)
    class ModelArgs:
        dim: int = 4096
        n_layers: int = 32
        n_heads: int = 32
        vocab_size: int = -1
        max_seq_len: int = 2048
        names: list[str] = field(default_factory=list)

    class GPT(Kept):
        def __init__(self, params: "ModelArgs"):
            super().__init__(params.vocab_size, params.max_seq_len, params.dim, params.n_heads, params.n_layers)
            assert params.names == []

    return module_with(GPT=GPT, ModelArgs=ModelArgs)


def a_plain_class_with_attributes() -> ModuleType:
    class Config:
        vocab_size = 50257
        block_size = 1024
        n_layer = n_head = 12
        n_embd = 768
        tied = True

    class GPT(Kept):
        def __init__(self, config):
            super().__init__(config.vocab_size, config.block_size, config.n_embd, config.n_head, config.n_layer)
            assert config.tied

    return module_with(GPT=GPT, Config=Config)


def a_class_that_takes_anything() -> ModuleType:
    class Config:
        def __init__(self, vocab_size, block_size, **others):
            self.vocab_size, self.block_size = vocab_size, block_size
            vars(self).update(others)

    class Small(Config):
        n_layer = n_head = 12
        n_embd = 768

    class GPT(Kept):
        def __init__(self, config):
            super().__init__(config.vocab_size, config.block_size, config.n_embd, config.n_head, config.n_layer)

    return module_with(GPT=GPT, Config=Config, Small=Small)


def an_object_with_unknown_origin() -> ModuleType:
    class GPT(Kept):
        def __init__(self, args):
            super().__init__(args.vocab_size, args.max_len, args.hidden_size, args.num_heads, args.depth)

    return module_with(GPT=GPT)


MAKERS = [
    keywords,
    a_dictionary,
    a_dictionary_of_theirs,
    a_dataclass,
    a_plain_class_with_attributes,
    a_class_that_takes_anything,
    an_object_with_unknown_origin,
]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_the_sizes_arrive(make: Callable[[], ModuleType]) -> None:
    module = make()
    assert Maker(module, module.GPT)(CONFIG).given == EXPECTED


def test_an_expression_sees_sizes_module_and_torch() -> None:
    module = keywords()
    expression = "GPT(n_vocab, n_embd, n_head, n_layer, max_len=min(n_ctx, torch.tensor(99).item()))"
    maker = Maker(module, None, expression)
    assert maker(CONFIG).given == EXPECTED
    assert maker.how == expression


def test_what_cannot_be_guessed_is_said_with_what_to_type() -> None:
    class GPT(nn.Module):
        def __init__(self, vocab_size, colour, n_heads=4):
            super().__init__()
            self.paint = nn.Linear(colour, n_heads)

    with pytest.raises(CannotMake, match="TypeError"):
        Maker(module_with(GPT=GPT), GPT)(CONFIG)
    assert example(GPT) == "GPT(vocab_size=n_vocab, colour=..., n_heads=n_head)"
    assert 'nextword learn doctor my.py:GPT --make "GPT(vocab_size=n_vocab, colour=..., n_heads=n_head)"' in advice(
        "my.py:GPT", GPT, "no colour"
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("vocabSize", "n_vocab"),
        ("N_EMBD", "n_embd"),
        ("max_seq_len", "n_ctx"),
        ("nhead", "n_head"),
        ("numLayers", "n_layer"),
        ("drop_rate", "dropout"),
        ("colour", None),
        ("T", "n_ctx"),
        ("cfg_n_layer", "n_layer"),
    ],
)
def test_names_of_sizes(name: str, kind: str | None) -> None:
    assert sizes.meaning(name) == kind


def test_hidden_dim_is_the_width_only_beside_another_name_for_n_embd() -> None:
    assert sizes.value("hidden_dim", CONFIG) == 12
    assert sizes.value("hidden_dim", CONFIG, ["hidden_dim", "d_model"]) == 48
    assert sizes.value("head_dim", CONFIG) == 4
