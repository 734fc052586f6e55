"""Torch without its compiler: what optimizers and dispatch modes ask for is there, and the rest is the real one."""

import subprocess
import sys

import pytest

SPARED = """
import sys
import torch
from nextword.learn.course.uncompiled import Uncompiled, spare_the_compiler
spare_the_compiler()
weight = torch.nn.Parameter(torch.ones(2))
optimizer = torch.optim.AdamW([weight], lr=0.1)
weight.sum().backward()
optimizer.step()
optimizer.zero_grad()
from torch.utils.flop_counter import FlopCounterMode
with FlopCounterMode(display=False) as counter:
    torch.ones(2, 3) @ torch.ones(3, 4)
assert counter.get_total_flops() == 2 * 2 * 3 * 4
assert torch.allclose(weight, torch.full((2,), 0.9 - 0.1 * 0.01)), weight
assert isinstance(sys.modules["torch._dynamo"], Uncompiled)
"""

REAL = {
    "compile": "assert torch.compile(lambda x: x + 1, backend='eager')(torch.ones(1)).item() == 2.0",
    "submodule": "import torch._dynamo.config as config; assert config.__name__ == 'torch._dynamo.config'",
    "from": "from torch._dynamo import config; assert config.__name__ == 'torch._dynamo.config'",
}


@pytest.mark.parametrize("use", REAL)
def test_optimizers_do_without_it_and_whoever_uses_it_gets_it(use: str) -> None:
    real = "\nassert type(sys.modules['torch._dynamo']).__name__ == 'module'"
    code = SPARED + REAL[use] + real
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
