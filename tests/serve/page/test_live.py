"""A run that goes on while one looks: the page shows its newest weights."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from conftest import randomize
from serve.page.conftest import BEGINNING, SERVED
from serve.page.playing import until

from nextword.model import GPT
from nextword.tokenizer import Tokenizer
from nextword.train.run_directory import RunDirectory
from nextword.weights import save_huggingface


def test_the_model_learns_on_before_ones_eyes(
    open_page: Callable[..., Any], serve: Callable[..., Any], run_directory: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "story"
    shutil.copytree(run_directory, copy)
    with serve(copy) as served:
        page = open_page(at=served.url)
        page.wait_for_selector(".candidate:not([disabled])")
        newer = GPT(SERVED).eval()
        randomize(newer, seed=77)
        checkpoint = copy / "checkpoints" / "step-00000500"
        save_huggingface(newer, checkpoint)
        (checkpoint / "manifest.json").write_text("{}")
        RunDirectory(copy).publish(checkpoint)
        until(page, "document.getElementById('model-line').textContent.endsWith('after update 500')", seconds=30)
        with torch.no_grad():
            scores = newer(torch.tensor([Tokenizer().encode(BEGINNING)]))[0, -1]
        best = f"{scores.max():.1f}".replace("-", "−")
        until(page, f"document.querySelector('.candidate .score').textContent === {best!r}")
        assert "learned on" in page.locator("#announcer").text_content()
