"""What the sliders compute in the browser is what `nextword.decode.choose` computes."""

import json
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest
import torch

import nextword.serve
from nextword.decode.choose import choose, probabilities
from nextword.decode.sampling import Sampling

SAMPLING = Path(nextword.serve.__file__).parent / "page" / "sampling.js"
NODE = shutil.which("node")


def cases() -> list[dict[str, object]]:
    """Rows of logits under every mixture of settings, and what Python makes of them."""
    generator = torch.Generator().manual_seed(0)
    rows = {
        "random": torch.randn(40, generator=generator) * 3,
        "flat": torch.zeros(7),
        "ties": torch.tensor([1.0, 2.0, 2.0, 0.5, 2.0, -1.0]),
        "sure": torch.tensor([-90.0, 110.0, 3.0, 4.0]),
        "one": torch.tensor([0.3]),
    }
    numbers = torch.rand(5, generator=generator, dtype=torch.float64)
    found = []
    for (name, logits), temperature, k, p in product(
        rows.items(), (0.0, 0.05, 0.8, 1.0, 2.0), (None, 1, 3, 1000), (0.1, 0.62, 1.0)
    ):
        sampling = Sampling(temperature, k, p)
        many = logits.expand(len(numbers), -1)
        found.append(
            {
                "name": f"{name}, temperature {temperature}, top-k {k}, top-p {p}",
                "logits": logits.tolist(),
                "settings": {"temperature": temperature, "topK": k, "topP": p},
                "chances": probabilities(sampling, logits[None])[0].tolist(),
                "numbers": numbers.tolist(),
                "ids": choose(sampling, many, numbers).tolist(),
            }
        )
    return found


@pytest.mark.skipif(NODE is None, reason="the page's arithmetic is tested in node, which is not installed here")
def test_the_page_computes_what_python_computes(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases()), encoding="utf-8")
    # A copy that says it is a module: node reads package.json for that, browsers do not ask.
    module = tmp_path / "sampling.mjs"
    module.write_text(SAMPLING.read_text(encoding="utf-8"), encoding="utf-8")
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--test", str(Path(__file__).parent / "sampling.test.mjs")],
        env={**os.environ, "SAMPLING": str(module), "CASES": str(file)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "pass 303" in done.stdout, done.stdout[-500:]
