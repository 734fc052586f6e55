"""Which engine a model gets: the engine in C only where it computes just what the model does."""

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from nextword.decode import Engine, TorchEngine, engine_for
from nextword.decode.engines import check_engine
from nextword.decode.native_engine import NativeEngine
from nextword.decode.plain_engine import PlainEngine
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


@pytest.mark.parametrize(
    ("engine", "kind"), [(None, NativeEngine), ("native", NativeEngine), ("torch", TorchEngine), ("plain", PlainEngine)]
)
@pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")
def test_a_model_gets_the_engine_that_it_asks_for(model: GPT, engine: str | None, kind: type[Engine]) -> None:
    model.engine = engine
    assert type(engine_for(model, 2)) is kind
    assert engine_for(model, 2).n_rows == 2


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")
def test_a_changed_model_that_asks_for_the_engine_in_c_is_told_what_to_ask_for(
    model: GPT, change: Callable[[GPT], None]
) -> None:
    change(model)
    model.engine = "native"
    with pytest.raises(ValueError, match=r"this model was changed .*: set model\.engine to torch\."):
        engine_for(model)


@pytest.mark.parametrize(
    ("engine", "on_cpu", "message"),
    [
        ("fast", True, "engine fast is not known: use native, torch or plain."),
        ("native", False, "The engine native computes on a CPU only: use the device cpu, or the engine torch."),
        ("native", True, "The engine native has to be compiled here, and there is no C compiler. Or use the engine to"),
    ],
)
def test_an_engine_that_cannot_be_had_is_refused_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, engine: str, on_cpu: bool, message: str
) -> None:
    monkeypatch.setattr("nextword.decode.engines.library", lambda: None)
    monkeypatch.setattr("nextword.decode.engines.why_not", lambda: "there is no C compiler")
    with pytest.raises(ValueError, match=re.escape(message)):
        check_engine(engine, on_cpu)
