import re
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from nextword.model import CONFIGS, GPT, GPTConfig
from nextword.model.head_loss import CPU_CHUNK, GPU_CHUNK
from nextword.native import library
from nextword.train.chosen_optimizer import MAKERS
from nextword.train.memory import TrainingSize, optimizer_memory, out_of_memory, ran_out, shortage, training_memory

GPT2 = CONFIGS["gpt2"]
GIB = 2**30

# Peak memory (ru_maxrss, in MiB) of real runs with validation and saving, on a CPU, with `keep_freed_memory` and our
# kernels. The most that was seen, since what the allocator cannot use again varies from run to run.
MEASURED = """
    model  batch  window  dropout  float32  bfloat16
    nano       2     256      0.0      733       655
    nano       4     256      0.0      732       652
    nano       8     128      0.0      736       675
    nano       2     256      0.1      781       587
    nano       8     256      0.1      788       741
    gpt2       2     256      0.0     3330      3119
    gpt2       4     256      0.1     3872      3348
    gpt2       1    1024      0.1     3829      3335
"""

with_kernels = pytest.mark.skipif(library() is None, reason="without a C compiler more memory is needed")


@with_kernels
@pytest.mark.parametrize("line", MEASURED.strip().splitlines()[1:], ids=lambda line: "-".join(line.split()[:4]))
@pytest.mark.parametrize("column, dtype", [(4, torch.float32), (5, torch.bfloat16)], ids=["float32", "bfloat16"])
def test_the_estimate_is_never_below_the_truth_and_seldom_far_above(line, column, dtype):
    model, batch_size, window, dropout, *_ = line.split()
    config = replace(CONFIGS[model], dropout=float(dropout))
    estimate = training_memory(TrainingSize(config, int(batch_size), int(window), dtype)) / 2**20
    assert 1.0 <= estimate / float(line.split()[column]) <= 1.3


RUN = r"""
import re, sys
from nextword.runtime import keep_freed_memory
keep_freed_memory()
from nextword.train import TrainConfig, Trainer
from nextword.train.memory import TrainingSize, training_memory
config = TrainConfig(model="nano", window=64, batch_size=2, steps=1, dtype="float32", out=sys.argv[1],
                     val_fraction=0.02, device="cpu")
trainer = Trainer(config)
for _ in trainer.run(): pass
print(training_memory(TrainingSize(trainer.setup.model.config, 2, 64, trainer.setup.dtype)) / 1024)
print(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak of a process, and mallopt is glibc's")
def test_a_real_run_takes_no_more_than_the_estimate(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    estimate, peak = map(float, done.stdout.split())
    assert 0.5 <= peak / estimate <= 1.0


def test_more_of_anything_takes_more():
    def memory(model=GPT2, batch_size=4, window=256, dtype=torch.float32):
        return training_memory(TrainingSize(model, batch_size, window, dtype))

    assert memory() < memory(batch_size=5) < memory(batch_size=8)
    assert memory() < memory(window=512)
    assert memory() < memory(CONFIGS["gpt2-medium"])
    assert memory(dtype=torch.bfloat16) < memory()


@with_kernels
def test_without_our_kernels_it_takes_more_and_dropout_takes_most(monkeypatch):
    without_dropout = replace(GPT2, dropout=0.0)
    with_kernels = training_memory(TrainingSize(GPT2, 4, 256, torch.float32))
    monkeypatch.setattr("nextword.train.memory.library", lambda: None)
    without = training_memory(TrainingSize(without_dropout, 4, 256, torch.float32))
    assert with_kernels < without < training_memory(TrainingSize(GPT2, 4, 256, torch.float32))


@with_kernels
def test_gradients_gathered_in_float32_take_more():
    n = 4 * GPT2.n_params
    for dtype, more in ((torch.float32, 0), (torch.bfloat16, n)):
        one, two, three = (
            training_memory(TrainingSize(GPT2, 4, 256, dtype, accumulate=number)) for number in (1, 2, 3)
        )
        assert (two - one, three - two) == (more, 0)


def test_on_a_gpu_the_heads_chunk_is_larger_and_our_kernels_are_no_matter(monkeypatch):
    gpu, large = torch.device("cuda"), (GPT2, 32, 1024, torch.float32)
    there = training_memory(TrainingSize(*large, gpu))
    monkeypatch.setattr("nextword.train.memory.library", lambda: None)
    assert training_memory(TrainingSize(*large, gpu)) == there
    without = (replace(GPT2, dropout=0.0), *large[1:])
    assert training_memory(TrainingSize(*without, gpu)) - training_memory(TrainingSize(*without)) == 5 * (
        GPU_CHUNK - CPU_CHUNK
    )
    assert there == training_memory(TrainingSize(*without, gpu))  # there no attention weights are kept
    bfloat16 = (GPT2, 4, 256, torch.bfloat16, gpu)
    assert training_memory(TrainingSize(*bfloat16)) == training_memory(
        TrainingSize(*bfloat16, accumulate=2)
    )  # PyTorch's AdamW wants float32


@with_kernels
def test_more_accumulation_is_only_named_where_its_gradients_fit_too():
    for accumulate, end in ((2, ", and a higher `accumulate` to make up for it."), (1, ".")):
        free = training_memory(TrainingSize(GPT2, 4, 256, torch.bfloat16, accumulate=accumulate))
        assert shortage(TrainingSize(GPT2, 8, 256, torch.bfloat16), free).endswith(f"Use `batch_size=4`{end}")


def test_shortage_says_what_is_needed_what_is_there_and_what_would_fit():
    free = 4 * GIB
    message = shortage(TrainingSize(GPT2, 8, 256, torch.float32), free)
    needed = training_memory(TrainingSize(GPT2, 8, 256, torch.float32))
    assert message.startswith(f"Training needs about {needed / GIB:.1f} GiB of memory, and 4.0 GiB is free. ")
    fitting = int(re.search(r"Use `batch_size=(\d+)`, and a higher `accumulate`", message)[1])
    assert training_memory(TrainingSize(GPT2, fitting, 256, torch.float32)) <= free
    assert training_memory(TrainingSize(GPT2, 2 * fitting, 256, torch.float32)) > free


def test_no_shortage_where_it_fits_or_where_that_is_unknown():
    needed = training_memory(TrainingSize(GPT2, 4, 256, torch.float32))
    assert shortage(TrainingSize(GPT2, 4, 256, torch.float32), needed) is None
    assert shortage(TrainingSize(GPT2, 4, 256, torch.float32), needed - 1) is not None
    assert shortage(TrainingSize(GPT2, 4, 256, torch.float32), None) is None


def test_where_one_window_is_too_much_a_shorter_one_is_named():
    free = training_memory(TrainingSize(GPT2, 1, 200, torch.float32))
    assert shortage(TrainingSize(GPT2, 4, 1024, torch.float32), free).endswith("Use `batch_size=1` and `window=128`.")


def test_where_the_weights_alone_are_too_much_a_smaller_model_is_named():
    assert shortage(TrainingSize(GPT2, 4, 1024, torch.float32), GIB).endswith(
        "Use `model='nano'`, or a machine with more memory."
    )
    assert shortage(TrainingSize(CONFIGS["nano"], 4, 256, torch.float32), 2**20).endswith(
        "Use a machine with more memory."
    )


@pytest.mark.parametrize("free", [None, 10**15, 3 * GIB])
def test_what_ran_out_must_be_lowered_whatever_was_expected(free):
    message = out_of_memory(TrainingSize(CONFIGS["nano"], 64, 256, torch.float32), free)
    assert "Memory ran out: `batch_size=64` with `window=256` needs about" in message
    fitting = int(re.search(r"Use `batch_size=(\d+)`", message)[1])
    assert fitting < 64
    if free == 3 * GIB:
        assert training_memory(TrainingSize(CONFIGS["nano"], fitting, 256, torch.float32)) < free


@pytest.mark.parametrize(
    "error, is_memory",
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
            True,
        ),
        (RuntimeError("MPS backend out of memory (MPS allocated: 17.98 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_which_errors_mean_that_memory_ran_out(error, is_memory):
    assert ran_out(error) is is_memory


@pytest.mark.parametrize("name", ["adamw", "muon", "mars", "soap"])
def test_what_an_optimizer_remembers_is_what_its_tensors_take(name):
    shape = GPTConfig(n_vocab=61, n_ctx=16, n_embd=24, n_head=3, n_layer=2, dropout=0.0)
    model = GPT(shape)
    optimizer = MAKERS[name](model, 0.01, 0.1, 0.95)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    found = sum(t.numel() * t.element_size() for s in optimizer.state.values() for k, t in s.items() if k != "step")
    assert found == optimizer_memory(shape, name)
