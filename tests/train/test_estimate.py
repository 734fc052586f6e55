import torch

from nextword.model import CONFIGS
from nextword.train import estimate
from nextword.train.estimate import expected_seconds, product_rate

CPU = torch.device("cpu")


def test_two_operations_a_parameter_forward_and_four_back(monkeypatch):
    monkeypatch.setattr(estimate, "product_rate", lambda *arguments: 1e12 / estimate.SHARE)
    n_params = CONFIGS["gpt2"].n_params
    learning = expected_seconds(CONFIGS["gpt2"], 1000, 0, 512, torch.float32, CPU)
    reading = expected_seconds(CONFIGS["gpt2"], 0, 1000, 512, torch.float32, CPU)
    assert abs(learning - 6 * n_params * 1000 / 1e12) < 1e-9
    assert abs(reading - 2 * n_params * 1000 / 1e12) < 1e-9


def test_the_rate_is_a_machines(monkeypatch):
    monkeypatch.setattr(estimate, "MEASURED_SECONDS", 0.01)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert 1e8 < product_rate(CONFIGS["nano"], 64, torch.float32, CPU) < 1e15
    assert torch.equal(torch.get_rng_state(), before)  # or a run would differ from one that was not estimated
