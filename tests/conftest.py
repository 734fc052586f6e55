"""What all tests share: a GPT-2 small enough to compare number by number."""

import pytest
import torch

from nextword.model import GPT, GPTConfig

# Every dimension differs from every other, so that no two can be mistaken for each other unnoticed.
TINY = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)


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
