import copy
import gc
import pickle
from dataclasses import replace

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


def counted(stored, reads):
    """The same model; every array that is read of it is added to `reads`."""

    def reading(tensor):
        def read():
            reads[tensor.name] = tensor.read()
            return reads[tensor.name]

        return replace(tensor, read=read)

    return replace(stored, tensors={key: reading(tensor) for key, tensor in stored.tensors.items()})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_parameters_are_what_was_read_where_nothing_has_to_be_converted(dtype, tamper):
    def change(tensors):
        return {name: tensor.to(dtype) for name, tensor in tensors.items()}

    reads = {}
    stored = counted(open_model(tamper(change)), reads)
    model = assemble(stored, dtype=dtype)
    for key, name in stored.names.items():
        parameter = model.get_parameter(name.ours)
        assert parameter.data_ptr() == reads[stored.tensors[key].name].__array_interface__["data"][0], key
        assert parameter.is_contiguous() != name.in_out
    whole = assemble(stored)
    for name, parameter in model.named_parameters():
        assert torch.equal(whole.get_parameter(name), parameter.float()), name


def test_a_model_stays_as_it_was_loaded_whatever_is_written_into_its_file(hf_dir, saved_reference):
    """Others' map, not ours: the process would end with SIGBUS where a mapped file is cut short."""
    model = load_model(hf_dir)
    with (hf_dir / "model.safetensors").open("r+b") as opened:
        opened.write(bytes(5000))
        opened.truncate(100)
    for name, parameter in load_model(saved_reference).named_parameters():
        assert torch.equal(model.get_parameter(name), parameter), name


def test_what_is_converted_has_its_own_memory_in_order(saved_reference):
    exact, rounded = load_model(saved_reference), load_model(saved_reference, dtype=torch.bfloat16)
    for name, parameter in rounded.named_parameters():
        assert parameter.is_contiguous()
        assert torch.equal(parameter, exact.get_parameter(name).bfloat16()), name


def test_a_loaded_model_can_be_copied_and_pickled(saved_reference):
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


def test_saving_a_model_over_the_file_that_it_was_loaded_from(hf_dir):
    model = load_model(hf_dir)
    with torch.no_grad():
        model.wte.weight += 1
    save_huggingface(model, hf_dir)
    again = load_model(hf_dir)
    for name, parameter in model.named_parameters():
        assert torch.equal(again.get_parameter(name), parameter), name
