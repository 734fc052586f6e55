import pytest
from torch import nn

from nextword.model.eval_mode import eval_mode


def dropping() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_put_back(training: bool) -> None:
    model = dropping().train(training)
    with eval_mode(model):
        assert not any(part.training for part in model.modules())
    assert all(part.training is training for part in model.modules())


def test_it_is_put_back_where_something_failed() -> None:
    model = dropping().train()
    with pytest.raises(KeyError), eval_mode(model):
        raise KeyError
    assert all(part.training for part in model.modules())
