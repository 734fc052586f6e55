"""A training does not import PyTorch's compiler unless it compiles, and leaves it as it is for whoever does later."""

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
import torch
from nextword.cli.main import run
from nextword.train.optimizer import make_optimizer

flags = "--data story --tokenizer bytes --params 200k --steps 2 --window 16 --device cpu --dtype bfloat16 --out".split()
assert run(["train", *flags, sys.argv[1]]) == 0
model = torch.nn.Linear(3, 2)
optimizer = make_optimizer(model, 0.1, 0.1, 0.99)
optimizer.load_state_dict(optimizer.state_dict())
optimizer.zero_grad()
assert "torch._dynamo" not in sys.modules
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item() == 2.0
model(torch.ones(1, 3)).sum().backward()
optimizer.step()
make_optimizer(model, 0.1, 0.1, 0.99).load_state_dict(optimizer.state_dict())
"""


def test_training_leaves_the_compiler_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CODE, str(tmp_path / "run")]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
