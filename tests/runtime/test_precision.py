import pytest
import torch

from nextword.runtime import matmuls_in

CPU = torch.device("cpu")


@pytest.fixture
def matrices():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(64, 64, generator=generator), torch.randn(64, 64, generator=generator)


def test_products_are_in_bfloat16_and_sums_over_many_numbers_in_float32(matrices):
    a, b = matrices
    with matmuls_in(torch.bfloat16, CPU):
        product = a @ b
        total = product.float().softmax(-1)
    assert product.dtype == torch.bfloat16
    assert torch.equal(product, a.bfloat16() @ b.bfloat16())
    assert total.dtype == torch.float32
    assert (a @ b).dtype == torch.float32  # outside it is over


def test_weights_and_gradients_stay_in_float32(matrices):
    layer = torch.nn.Linear(64, 64)
    with matmuls_in(torch.bfloat16, CPU):
        layer(matrices[0]).float().sum().backward()
    assert layer.weight.dtype == layer.weight.grad.dtype == torch.float32


def test_float32_leaves_everything_as_it_is(matrices):
    a, b = matrices
    with matmuls_in(torch.float32, CPU):
        inside = a @ b
    assert torch.equal(inside, a @ b)
    assert inside.dtype == torch.float32
