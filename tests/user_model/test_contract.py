"""A user's class is held to the contract, and told where it does not keep it."""

import pytest
import torch
from user_model.own import source

from nextword.errors import SymbolError, WeightsError
from nextword.user_model import build


def test_it_is_built_and_its_parameters_are_known(folder, config):
    (folder / "my_gpt2.py").write_text(source())
    model = build("my_gpt2:GPT", config)
    assert model.matching.missing == ()
    assert model.training


@pytest.mark.parametrize("wrapped", ["({}, None)", "type('Output', (), {{'logits': {}}})()", "[{}]"])
def test_logits_may_come_with_something_else(folder, config, wrapped, ids, model):
    code = source().replace("return self.head(self.final(x))", f"return {wrapped.format('self.head(self.final(x))')}")
    (folder / "my_gpt2.py").write_text(code)
    own = build("my_gpt2:GPT", config).eval()
    own.load(model)
    torch.testing.assert_close(own(ids), model(ids), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(own.loss(ids, ids), model.loss(ids, ids), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("def __init__(self, config)", "def __init__(self, config, depth)"),
            r"could not be built .* 'depth'.*contract",
        ),
        (
            ("super().__init__()\n        self.tok", "self.tok"),
            r"could not be built with GPT\(config\): Attr.* in line 31",
        ),
        (("return self.head(self.final(x))", "return self.hed(x)"), r"failed at forward\(ids\).* in line 48"),
        (
            ("return self.head(self.final(x))", "return self.final(x)"),
            r"logits of the shape .* \(1, 2, 61\), and gave .*12",
        ),
        (("return self.head(self.final(x))", "pass"), r"and gave NoneType"),
        (("class GPT(nn.Module)", "GPT = 3\nclass Other(nn.Module)"), r"is int, and not a class"),
        (("4 * C", "3 * C"), r"is not recognised as GPT-2 of this shape"),
    ],
)
def test_what_breaks_the_contract_is_told(folder, config, change, message):
    (folder / "my_gpt2.py").write_text(source().replace(*change))
    with pytest.raises((SymbolError, WeightsError), match=message):
        build("my_gpt2:GPT", config)


def test_something_that_is_no_module(folder, config):
    (folder / "my_gpt2.py").write_text("def GPT(config):\n    return len")
    with pytest.raises(SymbolError, match=r"makes builtin_function_or_method, and not a torch.nn.Module"):
        build("my_gpt2:GPT", config)
