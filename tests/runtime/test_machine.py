import pytest
import torch

from nextword.runtime import hardware, matmuls_in, pick_device, pick_dtype

CPU = torch.device("cpu")


def test_the_best_device_there_is(monkeypatch):
    for cuda, mps, best in ((True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr("torch.cuda.is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda mps=mps: mps)
        assert pick_device().type == best


def test_a_device_by_its_name():
    assert pick_device("cpu") == CPU


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, so --device cuda is right")
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_a_device_that_is_not_there(name):
    with pytest.raises(ValueError, match=rf"The device {name} cannot be used here \(.+\): use auto or cpu\.$") as error:
        pick_device(name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["gpu", "", "cpu:x", "cuda:999", "meta", "tpu"])
def test_no_device_at_all(name):
    with pytest.raises(ValueError, match=rf"The device {name} cannot be used here"):
        pick_device(name)


def test_formats_by_their_names():
    assert pick_dtype("float32", CPU) == torch.float32
    assert pick_dtype("bfloat16", CPU) == torch.bfloat16


@pytest.mark.parametrize("name", ["fp16", "fp32", "BFLOAT16", ""])
def test_an_unknown_format(name):
    with pytest.raises(ValueError, match=rf"^dtype {name} is not known: use auto, float32, bfloat16 or float16"):
        pick_dtype(name, CPU)


@pytest.mark.parametrize(
    "flags, dtype",
    [
        ("fpu sse4_2 avx2", torch.float32),
        ("fpu avx512f avx512vl", torch.float32),  # without bfloat16 products it would be emulated
        ("fpu avx512f avx512_bf16", torch.bfloat16),
        ("fpu amx_tile amx_bf16", torch.bfloat16),
        (None, torch.float32),
    ],
)
def test_auto_asks_the_processor(flags, dtype, monkeypatch, tmp_path):
    info = tmp_path / "cpuinfo"
    if flags is not None:
        info.write_text(f"processor\t: 0\nvendor_id\t: X\nflags\t\t: {flags}\nbugs\t\t: amx_bf16\n\nprocessor\t: 1\n")
    monkeypatch.setattr(hardware, "CPUINFO", info)
    assert pick_dtype("auto", CPU) == dtype


@pytest.mark.parametrize(
    "capability, dtype",
    [
        ((6, 1), torch.float32),
        ((7, 0), torch.float16),
        ((7, 5), torch.float16),
        ((8, 0), torch.bfloat16),
        ((9, 0), torch.bfloat16),
    ],
)
def test_auto_asks_the_gpu(capability, dtype, monkeypatch):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: capability)
    assert pick_dtype("auto", torch.device("cuda")) == dtype


def test_auto_on_a_mac_is_exact():
    assert pick_dtype("auto", torch.device("mps")) == torch.float32


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
