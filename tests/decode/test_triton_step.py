"""The Triton kernels, in Triton's interpreter where there is no GPU, against PyTorch's own.

The interpreter has to be asked for before Triton is imported, so it has a process to itself.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton comes with PyTorch for CUDA")

STEPS = """
import numpy as np
from conftest import TINY, randomize
from nextword.decode import Sampling, TorchEngine
from nextword.model import GPT

model = GPT(TINY).eval()
randomize(model)
weight = model.h[0].mlp.c_fc.weight  # stored the other way round, as files have it
weight.data = weight.data.T.contiguous().T
rng = np.random.default_rng(0)
prompts = [[3, 14, 15, 9, 2, 6], [5]]
for rows in (1, 2):
    for sampling in (Sampling(temperature=0), Sampling(0.8, 30, 0.9)):
        numbers = rng.random((3, rows))
        results = []
        for by in ("torch", "triton"):
            engine = TorchEngine(model, rows, by=by)
            for row in range(rows):
                engine.read(row, prompts[row])
            first = engine.logits(rows - 1)
            ids = engine.write(range(rows), sampling, numbers)
            results.append((first, ids, engine.write([0], sampling, numbers[:1, :1]), engine.logits(0)))
        (first, ids, more, last), (first_too, ids_too, more_too, last_too) = results
        np.testing.assert_allclose(first, first_too, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(last, last_too, rtol=1e-4, atol=1e-5)
        assert ids.tolist() == ids_too.tolist() and more.tolist() == more_too.tolist()
"""

CHOICES = """
import torch
from nextword.decode import Sampling
from nextword.decode.choose import choose
from nextword.decode.triton_step import TritonChoice

R, V = 3, 2500  # three lists, the last of them short
generator = torch.Generator().manual_seed(0)
active = torch.tensor([True, False, True])
for kind in ("wide", "many equals", "two tokens"):
    logits = torch.randn(R, V, generator=generator) * 3
    if kind == "many equals":
        logits = logits.round() * 0.5
        logits[0, 5] = -0.0
    if kind == "two tokens":
        logits = torch.full((R, V), -torch.inf)
        logits[:, 2400], logits[:, 7] = 1.0, 0.5
    for sampling in (Sampling(0), Sampling(1.0, 40), Sampling(0.7, 64, 0.6), Sampling(2.0, 3, 0.99), Sampling(1e-3, 1)):
        numbers = torch.rand(4, R, dtype=torch.float64, generator=generator)
        pending, chosen = torch.full((R,), -1), torch.zeros(4, R, dtype=torch.int64)
        choice = TritonChoice(sampling, V, R, logits.device)
        choice(logits, numbers, torch.tensor([2]), active, pending, chosen)
        expected = choose(sampling, logits, numbers[2])
        assert chosen[2].tolist() == expected.tolist(), (kind, sampling, chosen[2], expected)
        assert pending.tolist() == torch.where(active, expected, -1).tolist()
        assert not chosen[[0, 1, 3]].any()
"""


@pytest.mark.parametrize("code", [STEPS, CHOICES], ids=["steps", "choices"])
def test_the_kernels_do_what_pytorch_does(code: str) -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
