"""What no token can be chosen by is told in words, whatever computes it."""

from collections.abc import Callable

import pytest
import torch

from nextword.decode import Engine, TorchEngine, generate, generate_batch
from nextword.decode.native_engine import NativeEngine
from nextword.decode.rereading_engine import RereadingEngine
from nextword.errors import NotFiniteError
from nextword.lens import trace
from nextword.model import GPT, GPTConfig
from nextword.native import library
from nextword.tokenizer import Tokenizer

WRITERS: list[Callable[[GPT], Engine]] = [TorchEngine, lambda model: RereadingEngine(model, model.config)]
if library() is not None:
    WRITERS.append(NativeEngine.from_model)


@pytest.fixture(params=["nan", "inf", "1e38"])
def broken(request: pytest.FixtureRequest) -> GPT:
    """A model whose numbers are none from its second block on, because of one weight, or only together."""
    torch.manual_seed(0)
    model = GPT(GPTConfig(n_ctx=16, n_embd=8, n_head=2, n_layer=2)).eval()
    with torch.no_grad():
        model.h[1].mlp.c_proj.weight.fill_(float(request.param))
        model.h[1].mlp.c_fc.bias.fill_(1e3)  # 1e38, which is a number, thus becomes one too large for float32
    return model


@pytest.mark.parametrize("make", WRITERS)
@pytest.mark.parametrize("temperature", [0, 0.8])
def test_no_writer_writes_by_what_is_no_number(make: Callable[[GPT], Engine], temperature: float, broken: GPT) -> None:
    for write in (generate, lambda *given, **settings: generate_batch(given[0], given[1], [given[2]], **settings)):
        with pytest.raises(
            NotFiniteError, match=r"the model computes (NaN|infinity) after this text, by which no token can be chosen"
        ):
            write(make(broken), Tokenizer(), "One day", max_new_tokens=3, temperature=temperature)


def test_nothing_is_shown_of_it_either(broken: GPT) -> None:
    with pytest.raises(
        NotFiniteError, match=r"holds NaN or infinity, first in (h\.1\.resid_post|ln_f\.out)\. Its weights"
    ):
        trace(broken, [1, 2, 3])["logits"]
