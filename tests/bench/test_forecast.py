import pytest
import torch

from nextword.bench.forecast import Forecast, forecast, usable
from nextword.bench.gpus import GPUS
from nextword.config import CONFIGS, GPTConfig
from nextword.train.memory import TrainingSize, training_memory

GPT2 = CONFIGS["gpt2"]
GPU, CPU = torch.device("cuda"), torch.device("cpu")


def test_time_is_operations_by_what_is_reached_of_the_peak() -> None:
    size = TrainingSize(GPT2, 16, 1024, torch.bfloat16, GPU)
    found = forecast(size, 10e9, peak=989e12, share=0.4, memory=73e9, count=8)
    per_token = 6 * 124_439_808 + 12 * 12 * 1024 * 768  # PaLM's count, appendix B
    assert found.operations == pytest.approx(per_token * 10e9)
    assert found.rate == pytest.approx(8 * 0.4 * 989e12 / per_token)
    assert found.seconds == pytest.approx(per_token * 10e9 / (8 * 0.4 * 989e12))


def test_llm_c_on_eight_a100_comes_out_as_its_author_measured() -> None:
    """Ten billion tokens took some 90 minutes, at about 60% of the peak, by llm.c's discussion 481."""
    found = forecast(TrainingSize(GPT2, 64, 1024, torch.bfloat16, GPU), 10e9, GPUS["a100"].peak, 0.6, 74e9, count=8)
    assert found.seconds / 60 == pytest.approx(90, rel=0.1)


def on(device: torch.device, memory: float, batch_size: int = 0, count: int = 1, **settings: object) -> Forecast:
    """A forecast for GPT-2 and a window of 1024, but for what is given."""
    given: dict[str, object] = {"model": GPT2, "dtype": torch.bfloat16, "window": 1024} | settings
    size = TrainingSize(batch_size=batch_size, device=device, **given)
    return forecast(size, 1e9, peak=1e14, share=0.4, memory=memory, count=count, fill=not batch_size)


def test_the_largest_batch_fits_and_twice_as_many_do_not() -> None:
    for gpu in GPUS.values():
        dtype = getattr(torch, gpu.dtype)
        fits = on(GPU, usable(gpu), dtype=dtype).fits
        assert 1 <= fits < 512
        assert sum(on(GPU, 0, fits, dtype=dtype).parts.values()) <= usable(gpu)
        assert sum(on(GPU, 0, 2 * fits, dtype=dtype).parts.values()) > usable(gpu)
    assert on(GPU, 14e9, model=CONFIGS["gpt2-xl"], dtype=torch.float16).fits == 0


def test_the_best_weights_are_in_the_machines_memory() -> None:
    on_gpu, on_cpu = (on(device, 0, 4, dtype=torch.float32, window=256).parts for device in (GPU, CPU))
    assert on_cpu.keys() - on_gpu.keys() == {"the best weights so far"}
    assert sum(on_cpu.values()) == training_memory(TrainingSize(GPT2, 4, 256, torch.float32))


def test_a_large_model_fits_on_small_gpus_once_it_is_sharded() -> None:
    """1.5B parameters, 16 bytes each, are 25 GB; eight cards of 24 GB have room for an eighth, and the activations."""
    xl = CONFIGS["gpt2-xl"]
    assert on(GPU, usable(GPUS["4090"]), model=xl, count=8).fits == 0
    sharded = on(GPU, usable(GPUS["4090"]), model=xl, count=8, shards=8)
    again = on(GPU, usable(GPUS["4090"]), model=xl, count=8, shards=8, recompute=True)
    assert 1 <= sharded.fits < again.fits
    assert sharded.parts["weights"] + sharded.parts["the optimizer's moments"] == pytest.approx(12 * xl.n_params / 8)
    assert again.rate == pytest.approx(0.75 * sharded.rate)


def test_a_sharded_run_on_a_cpu_took_as_much_as_is_said() -> None:
    """Peak of a follower of two above what the program took before, in MiB: measured with malloc's usual settings."""
    shape = GPTConfig(n_vocab=257, n_ctx=256, n_embd=768, n_head=12, n_layer=8, dropout=0.0)
    for recompute, measured in ((False, 668), (True, 585)):
        parts = on(
            CPU, 0, 2, model=shape, dtype=torch.float32, window=256, count=2, shards=2, recompute=recompute
        ).parts
        estimate = sum(n for name, n in parts.items() if name not in ("the program", "the best weights so far"))
        assert 0.95 <= estimate / 2**20 / measured <= 1.3
