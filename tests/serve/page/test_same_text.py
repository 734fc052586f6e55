"""One seed, one prompt, one text: in Python, on the command line, from the API and on the page."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from serve.page.playing import slide, until_tokens

from nextword import generate
from nextword.cli.main import run
from nextword.model import GPT
from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
N = 12


@pytest.mark.parametrize(
    ("prompt", "seed", "temperature", "top_k", "slider"),
    [
        ("The piano came down to the", 7, 1.0, None, 13),
        ("The piano<|endoftext|>One day", 2**60 + 1, 0.8, 40, 8),
    ],
)
def test_the_same_everywhere(
    page: Any,
    url: str,
    run_directory: Path,
    served_model: GPT,
    capsys: pytest.CaptureFixture[str],
    prompt: str,
    seed: int,
    temperature: float,
    top_k: int | None,
    slider: int,
) -> None:
    settings = {"temperature": temperature, "top_k": top_k, "seed": seed}
    in_python = generate(served_model, TOKENIZER, prompt, max_new_tokens=N, **settings)

    given = ["--temperature", str(temperature), "--top-k", str(top_k or 50257), "--seed", str(seed)]
    command = ["generate", prompt, "--model", str(run_directory), "--device", "cpu", "--max-new-tokens", str(N), *given]
    assert run(command) == 0
    on_the_command_line = capsys.readouterr().out.removesuffix("\n")

    asked = {"prompt": prompt, "max_tokens": N, "echo": True, **settings}
    from_the_api = httpx.post(f"{url}/v1/completions", json=asked, timeout=30).json()["choices"][0]["text"]

    slide(page, "temperature", temperature)
    slide(page, "top-k", slider)
    page.fill("#seed", str(seed))
    page.fill("#prompt", prompt)
    ids = TOKENIZER.encode_prompt(prompt)
    until_tokens(page, len(ids))
    for n in range(N):
        page.click("#write-one")
        until_tokens(page, len(ids) + n + 1)
    on_the_page = page.locator("#tokens .token").evaluate_all("all => all.map(e => Number(e.dataset.id))")

    assert in_python == on_the_command_line == from_the_api == TOKENIZER.decode(on_the_page)
