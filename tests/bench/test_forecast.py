import pytest
import torch

from nextword.bench.forecast import forecast, largest_batch, memory_on, usable
from nextword.bench.gpus import GPUS
from nextword.config import CONFIGS
from nextword.train.memory import training_memory

GPT2 = CONFIGS["gpt2"]
GPU, CPU = torch.device("cuda"), torch.device("cpu")


def test_time_is_operations_by_what_is_reached_of_the_peak() -> None:
    found = forecast(GPT2, 10e9, 1024, 16, torch.bfloat16, GPU, peak=989e12, share=0.4, memory=73e9, count=8)
    per_token = 6 * 124_439_808 + 12 * 12 * 1024 * 768  # PaLM's count, appendix B
    assert found.operations == pytest.approx(per_token * 10e9)
    assert found.rate == pytest.approx(8 * 0.4 * 989e12 / per_token)
    assert found.seconds == pytest.approx(per_token * 10e9 / (8 * 0.4 * 989e12))


def test_llm_c_on_eight_a100_comes_out_as_its_author_measured() -> None:
    """Ten billion tokens took some 90 minutes, at about 60% of the peak, by llm.c's discussion 481."""
    found = forecast(GPT2, 10e9, 1024, 64, torch.bfloat16, GPU, GPUS["a100"].peak, 0.6, 74e9, count=8)
    assert found.seconds / 60 == pytest.approx(90, rel=0.1)


def test_the_largest_batch_fits_and_twice_as_many_do_not() -> None:
    for gpu in GPUS.values():
        dtype = getattr(torch, gpu.dtype)
        fits = largest_batch(GPT2, 1024, dtype, GPU, usable(gpu))
        assert 1 <= fits < 512
        assert sum(memory_on(GPU, GPT2, fits, 1024, dtype).values()) <= usable(gpu)
        assert sum(memory_on(GPU, GPT2, 2 * fits, 1024, dtype).values()) > usable(gpu)
    assert largest_batch(CONFIGS["gpt2-xl"], 1024, torch.float16, GPU, 14e9) == 0


def test_the_best_weights_are_in_the_machines_memory() -> None:
    on_gpu, on_cpu = (memory_on(device, GPT2, 4, 256, torch.float32) for device in (GPU, CPU))
    assert on_cpu.keys() - on_gpu.keys() == {"the best weights so far"}
    assert sum(on_cpu.values()) == training_memory(GPT2, 4, 256, torch.float32)
