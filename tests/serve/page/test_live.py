"""A run that goes on while one looks: the page shows its newest weights."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from conftest import randomize
from serve.page.conftest import SERVED
from serve.page.playing import settle, take, until, until_quiet

from nextword.lens import trace
from nextword.model import GPT
from nextword.tokenizer import Tokenizer
from nextword.train.run_directory import RunDirectory
from nextword.weights import save_huggingface


def percent(p: torch.Tensor) -> str:
    """As the page says it."""
    return f"{100 * float(p):.0f} %" if p >= 0.0995 else f"{100 * float(p):.1f} %"


def test_the_model_learns_on_before_ones_eyes(
    open_page: Callable[..., Any], serve: Callable[..., Any], run_directory: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "story"
    shutil.copytree(run_directory, copy)
    about = {"config": {"init": None}, "data": {"name": "letters", "train_tokens": 100}}
    (copy / "run.json").write_text(json.dumps(about))
    with serve(copy) as served:
        page = open_page(at=served.url)
        page.wait_for_selector(".candidate:not([disabled])")
        take(page)  # what the old weights held of it goes with it into the text
        ids = Tokenizer().encode(page.locator("#prompt").input_value())
        until_quiet(page)
        old = page.locator("#perplexity").text_content()
        assert "in 12 steps of training" in page.locator("#remark").text_content()
        for section in ("attention", "parts"):
            settle(page, section)
        page.wait_for_selector(".outcome")
        newer = GPT(SERVED).eval()
        randomize(newer, seed=77)
        checkpoint = copy / "checkpoints" / "step-00000500"
        save_huggingface(newer, checkpoint)
        (checkpoint / "manifest.json").write_text("{}")
        RunDirectory(copy).publish(checkpoint)
        until(page, "document.getElementById('model-when').textContent === ', after update 500'", seconds=30)
        with torch.no_grad():
            logits = newer(torch.tensor([ids]))[0].double()
        best = f"{logits[-1].max():.1f}".replace("-", "−")
        until(page, f"document.querySelector('.candidate .score').textContent === {best!r}")
        assert "learned on" in page.locator("#announcer").text_content()
        # Nothing of the old weights is left: the surprise, also of a token that was taken, the card, the remark.
        own = logits[:-1].log_softmax(-1).gather(-1, torch.tensor(ids[1:])[:, None])[:, 0]
        perplexity = f"perplexity {round(float((-own.mean()).exp())):,}"
        assert perplexity != old
        until(page, f"document.getElementById('perplexity').textContent === {perplexity!r}")
        page.locator("#tokens .token").last.hover()
        bits = f"{float(-own[-1]) / math.log(2):.1f} bits of surprise"
        until(page, f"document.getElementById('token-card').textContent.includes({bits!r})")
        until(page, "document.getElementById('remark').textContent.includes('in 500 steps of training')")
        where = trace(newer, ids)["h.0.attn.weights"][0, 0, -1]
        until(page, "!document.getElementById('attention').hasAttribute('aria-busy')")
        page.locator("#large-map").scroll_into_view_if_needed()
        until(page, f"document.getElementById('looks-at').textContent.includes('{percent(where.max())}')")
        page.close()  # before its server ends, or it would complain of questions that nobody answers
