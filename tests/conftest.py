"""What all tests share: a GPT-2 small enough to compare number by number."""

import gc
import os
import sys

import pytest
import torch
from skipped import pytest_terminal_summary  # noqa: F401  (pytest finds it here)

from nextword.model import GPT, GPTConfig

# One thread, here and in every process that a test starts: how sums are split among threads decides their
# last digits, and some tests compare bit by bit what two processes computed.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)

# As in an activated environment, so that messages call nextword by its name.
os.environ["PATH"] = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)))

# Every dimension differs from every other, so that no two can be mistaken for each other unnoticed.
TINY = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)


def pytest_collection_finish() -> None:
    """Leave what was imported out of every later search for garbage: half a second each of several hundred."""
    gc.collect()
    gc.freeze()


def randomize(model: torch.nn.Module, seed: int = 0) -> None:
    """Give every parameter values that matter: no zero bias, no LayerNorm that does nothing."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.3
            parameter.copy_(noise + ("ln_" in name and name.endswith("weight")))


@pytest.fixture
def config() -> GPTConfig:
    return TINY


@pytest.fixture
def model(config: GPTConfig) -> GPT:
    """A tiny GPT with random numbers everywhere, in eval mode."""
    model = GPT(config).eval()
    randomize(model)
    return model


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(61, (2, 16), generator=torch.Generator().manual_seed(1))
