"""Torch without its compiler: what optimizers and dispatch modes ask for is there, and the rest is the real one."""

import os
import subprocess
import sys

import pytest

SPARED = """
import gc, os, sys
gc.disable()  # it would look through all of torch, several times
import sympy, torch
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

# Each in a fork of the process that has been spared, so that each is the first to ask for the real one.
EACH = """
for name, code in {uses}.items():
    child = os.fork()
    if child == 0:
        try:
            exec(code)
            assert type(sys.modules["torch._dynamo"]).__name__ == "module"
            print("real", name, flush=True)
        except BaseException as error:
            print(f"{{name}}: {{error!r}}", file=sys.stderr, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def tried() -> subprocess.CompletedProcess[str]:
    code = SPARED + EACH.format(uses=REAL)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
@pytest.mark.parametrize("use", REAL)
def test_optimizers_do_without_it_and_whoever_uses_it_gets_it(
    use: str, tried: subprocess.CompletedProcess[str]
) -> None:
    assert f"real {use}" in tried.stdout.splitlines(), tried.stderr
