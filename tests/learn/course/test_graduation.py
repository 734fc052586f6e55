from types import ModuleType

import pytest
import torch

from nextword.learn.checker.parts import OurParts
from nextword.learn.course import graduation
from nextword.learn.course.graduation import Graduation, graduate, largest_error
from nextword.learn.course.parts import initialised
from nextword.model import GPT, GPTConfig


class WithOwn(OurParts):
    """Our parts but for one."""

    def __init__(self, **own: object):
        super().__init__("parts")
        vars(self).update(own)


def without_the_mask(on: object = None) -> ModuleType:
    class Seeing(GPT):
        """Each block sees what comes after."""

        def __init__(self, config: GPTConfig):
            super().__init__(config)
            for block in self.h:
                block.attn.register_forward_pre_hook(lambda _, args: (args[0].flip(1), *args[1:]))

    return WithOwn(GPT=Seeing)


def test_our_own_model_graduates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graduation, "EPOCHS", 2)
    told: list[str] = []
    seen = graduate(OurParts("parts"), told.append)
    assert seen.mistakes == ()
    assert 0 < seen.error < 1e-4
    assert seen.n_params == 124_439_808
    assert seen.last_loss < seen.first_loss
    assert seen.prompt.startswith("A Penny on Haddow")
    assert len(told) == 2


def test_a_model_that_is_wrong_as_a_whole_does_not() -> None:
    seen = graduate(without_the_mask(), lambda _: None)
    assert seen.mistakes
    assert seen.steps == 0


def test_the_error_is_that_of_the_logits() -> None:
    class Shifted(GPT):
        """All logits too high by a hundredth."""

        def head(self, x: torch.Tensor) -> torch.Tensor:
            return super().head(x) + 0.01

    assert largest_error(WithOwn(GPT=GPT)) < 1e-4
    assert largest_error(WithOwn(GPT=Shifted)) > 1e-3


def test_a_class_is_initialised_by_the_learners_function() -> None:
    def ones(model: torch.nn.Module) -> None:
        for parameter in model.parameters():
            torch.nn.init.ones_(parameter)

    config = GPTConfig(n_vocab=5, n_ctx=4, n_embd=4, n_head=1, n_layer=1)
    model = initialised(GPT, ones)(config)
    assert model.wte.weight.eq(1).all()

    class Other(torch.nn.Module):
        def __init__(self, config: GPTConfig):
            super().__init__()
            self.tokens = torch.nn.Embedding(config.n_vocab, config.n_embd)

    other = initialised(Other, ones)(config)
    assert not other.tokens.weight.eq(1).any()
    assert other.config is config


def test_what_it_holds_can_be_kept_as_json() -> None:
    import json
    from dataclasses import asdict

    assert json.loads(json.dumps(asdict(Graduation())))["recalled"] == 0.0
