"""What holds for all that `nextword.lens` offers."""

from collections.abc import Callable, Collection
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from user_model.conftest import folder  # noqa: F401
from user_model.own import source

from nextword import lens
from nextword.lens import Effect, Labelled
from nextword.model import GPT
from nextword.user_model import build, checked_gpt

ASKED: dict[str, Callable[[Any, torch.Tensor], Labelled | Effect]] = {
    "ablate": lambda model, ids: lens.ablate(model, ids, heads=[(0, 1)]),
    "direct_logit_attribution": lambda model, ids: lens.direct_logit_attribution(model, ids, 5),
    "logit_lens": lambda model, ids: lens.logit_lens(model, ids),
    "neuron": lambda model, ids: lens.neuron(model, ids, 1, 3),
    "neuron_words": lambda model, ids: lens.neuron_words(model, 1, 3),
    "patch": lambda model, ids: lens.patch(model, ids, ids.flip(0), mlps=[1]),
    "surprise": lambda model, ids: lens.surprise(model, ids),
    "top_neurons": lambda model, ids: lens.top_neurons(model, ids, 1),
    "trace": lambda model, ids: lens.trace(model, ids).attention(1, 2),
}


@pytest.fixture
def own(folder: Any, config: Any, model: GPT) -> GPT:  # noqa: F811
    """A user model with the same weights, as a GPT."""
    (folder / "my_gpt2.py").write_text(source())
    own = build("my_gpt2:GPT", config).eval()
    own.load(model)
    return checked_gpt(own)


def test_every_function_is_asked_here() -> None:
    assert set(ASKED) == {name for name in lens.__all__ if callable(getattr(lens, name)) and name.islower()}


@pytest.mark.parametrize("name", ASKED)
def test_it_gives_labels_and_a_picture_of_our_models_and_of_others(
    name: str, model: GPT, own: GPT, ids: torch.Tensor
) -> None:
    found, same = (ASKED[name](one, ids[0]) for one in (model, own))
    assert found.plot().axes
    if isinstance(found, Effect):
        found, same = found.next(), same.next()
    torch.testing.assert_close(torch.from_numpy(same.values), torch.from_numpy(found.values), equal_nan=True)
    assert [[*axis.labels] for axis in same.axes] == [[*axis.labels] for axis in found.axes]


class NoFloat64(TorchFunctionMode):
    """Like a device that has no float64: a tensor must be brought to the CPU before it is made one of float64."""

    def __init__(self) -> None:
        super().__init__()
        self.brought: list[torch.Tensor] = []

    def __torch_function__(
        self, function: Any, types: Collection[type], arguments: tuple[Any, ...] = (), options: Any = None
    ) -> Any:
        found = function(*arguments, **(options or {}))
        if function is torch.Tensor.cpu:
            self.brought.append(found)
        elif isinstance(found, torch.Tensor) and found.dtype == torch.float64:
            inputs = [x for x in arguments if isinstance(x, torch.Tensor)]
            allowed = all(x.dtype == torch.float64 or any(x is one for one in self.brought) for x in inputs)
            assert allowed, f"{function.__name__} makes float64 where the model is"
        return found


@pytest.mark.parametrize("name", ASKED)
def test_it_needs_no_float64_where_the_model_is(name: str, model: GPT, ids: torch.Tensor) -> None:
    with NoFloat64():
        found = ASKED[name](model, ids[0])
        assert found.title
