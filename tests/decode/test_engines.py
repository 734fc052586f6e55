"""Which engine a model gets: the engine in C only where it computes just what the model does."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from nextword.decode import TorchEngine, engine_for
from nextword.decode.native_engine import NativeEngine
from nextword.model import GPT, plain
from nextword.model.ops import functions_of
from nextword.native import library


@pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")
def test_a_plain_model_on_a_cpu_gets_the_engine(model: GPT) -> None:
    assert isinstance(engine_for(model), NativeEngine)
    assert isinstance(engine_for(model.bfloat16()), NativeEngine)


def without_a_block(model: GPT) -> None:
    del model.h[1]


def with_another_block(model: GPT) -> None:
    model.h[1] = nn.Identity()


def with_a_hook(model: GPT) -> None:
    model.h[0].register_forward_hook(lambda *_: None)


def with_other_gelu(model: GPT) -> None:
    model.ops = SimpleNamespace(**{**vars(model.ops), "gelu": torch.relu})


def with_plain_functions(model: GPT) -> None:
    model.ops = functions_of(plain)


def with_a_transposed_embedding(model: GPT) -> None:
    model.wte.weight.data = model.wte.weight.data.T.contiguous().T


def in_double(model: GPT) -> None:
    model.double()


CHANGES = [
    without_a_block,
    with_another_block,
    with_a_hook,
    with_other_gelu,
    with_plain_functions,
    with_a_transposed_embedding,
    in_double,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_gets_pytorch(model: GPT, change: Callable[[GPT], None]) -> None:
    change(model)
    assert isinstance(engine_for(model), TorchEngine)


def test_a_writer_is_given_back(model: GPT) -> None:
    engine = TorchEngine(model)
    assert engine_for(engine) is engine
