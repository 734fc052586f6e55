import pytest
import torch

from nextword.runtime import random_state, set_random_state

CPU = torch.device("cpu")


def test_what_is_put_back_draws_the_same_again():
    torch.manual_seed(3)
    torch.rand(5)
    state = random_state(CPU)
    drawn = torch.rand(100), torch.randn(7), torch.nn.functional.dropout(torch.ones(50), 0.5)
    torch.rand(1000)
    set_random_state(state, CPU)
    again = torch.rand(100), torch.randn(7), torch.nn.functional.dropout(torch.ones(50), 0.5)
    assert all(torch.equal(a, b) for a, b in zip(drawn, again, strict=True))


def test_looking_moves_nothing_and_a_state_does_not_move_along():
    torch.manual_seed(3)
    state = random_state(CPU)
    kept = state["cpu"].clone()
    first = torch.rand(3)
    assert torch.equal(state["cpu"], kept)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(3), first)


@pytest.mark.parametrize("device", ["cuda:1", "mps"])
def test_the_devices_own_generator_is_kept_too(device, monkeypatch):
    """Of the very GPU that is trained on: dropout draws from its generator, not from the first one's."""
    device, held = torch.device(device), {"cuda:1": torch.tensor([7]), "mps": torch.tensor([9])}
    monkeypatch.setattr("torch.cuda.get_rng_state", lambda of: held[str(of)])
    monkeypatch.setattr("torch.cuda.set_rng_state", lambda state, of: held.update({str(of): state}))
    monkeypatch.setattr("torch.mps.get_rng_state", lambda: held["mps"])
    monkeypatch.setattr("torch.mps.set_rng_state", lambda state: held.update({"mps": state}))
    state = random_state(device)
    assert state.keys() == {"cpu", device.type}
    held[str(device)] = torch.tensor([0])
    set_random_state(state, device)
    assert torch.equal(held[str(device)], state[device.type])


def test_a_state_from_another_kind_of_device_still_sets_the_cpus():
    torch.manual_seed(3)
    state = random_state(CPU)
    first = torch.rand(3)
    set_random_state(state | {"cuda": torch.tensor([7])}, CPU)
    assert torch.equal(torch.rand(3), first)
