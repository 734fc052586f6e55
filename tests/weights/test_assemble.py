import copy
import gc
import pickle

import pytest
import torch

from nextword.weights import load_model, save_huggingface
from nextword.weights.assemble import assemble
from nextword.weights.directory import open_model


def test_loading_draws_nothing_at_random(saved_reference):
    before = torch.get_rng_state()
    load_model(saved_reference)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loaded_model_can_be_trained_and_the_file_stays_as_it_is(saved_reference):
    before = (saved_reference / "model.safetensors").read_bytes()
    model = load_model(saved_reference)
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in model.parameters())
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    assert not torch.equal(model.wte.weight, load_model(saved_reference).wte.weight)
    assert (saved_reference / "model.safetensors").read_bytes() == before


def addresses(stored):
    return {key: stored.tensors[key].read().__array_interface__["data"][0] for key in stored.names}


def test_parameters_are_the_mapped_file_where_nothing_has_to_be_converted(saved_reference):
    stored = open_model(saved_reference)
    model = assemble(stored)
    for key, address in addresses(stored).items():
        parameter = model.get_parameter(stored.names[key].ours)
        assert parameter.data_ptr() == address, key
        assert parameter.is_contiguous() != stored.names[key].in_out


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_mapped_too_where_it_is_asked_for(dtype, tamper):
    def change(tensors):
        return {name: tensor.to(dtype) for name, tensor in tensors.items()}

    stored = open_model(tamper(change))
    model = assemble(stored, dtype=dtype)
    for key, address in addresses(stored).items():
        parameter = model.get_parameter(stored.names[key].ours)
        assert (parameter.data_ptr(), parameter.dtype) == (address, dtype), key
    whole = assemble(stored)
    for name, parameter in model.named_parameters():
        assert torch.equal(whole.get_parameter(name), parameter.float()), name


def test_what_is_converted_has_its_own_memory_in_order(saved_reference):
    exact, rounded = load_model(saved_reference), load_model(saved_reference, dtype=torch.bfloat16)
    for name, parameter in rounded.named_parameters():
        assert parameter.is_contiguous()
        assert torch.equal(parameter, exact.get_parameter(name).bfloat16()), name


def test_a_mapped_model_can_be_copied_and_pickled(saved_reference):
    model = load_model(saved_reference)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        for name, parameter in model.named_parameters():
            assert torch.equal(other.get_parameter(name), parameter), name
            assert other.get_parameter(name).data_ptr() != parameter.data_ptr()


def test_a_model_outlives_its_file(hf_dir, saved_reference):
    model = load_model(hf_dir)
    (hf_dir / "model.safetensors").unlink()
    gc.collect()
    for name, parameter in load_model(saved_reference).named_parameters():
        assert torch.equal(model.get_parameter(name), parameter), name


def test_saving_a_model_over_the_file_that_it_is_mapped_from(hf_dir):
    model = load_model(hf_dir)
    with torch.no_grad():
        model.wte.weight += 1
    save_huggingface(model, hf_dir)
    again = load_model(hf_dir)
    for name, parameter in model.named_parameters():
        assert torch.equal(again.get_parameter(name), parameter), name
