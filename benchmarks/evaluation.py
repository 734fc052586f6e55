"""How fast `nextword eval` scores, beside lm-evaluation-harness with transformers: python -m benchmarks.evaluation.

The same requests, through the harness's own interface, on the same weights (a 124M of random numbers) and machine:
passages whose last word is asked for (as LAMBADA), scenes with four endings (as HellaSwag), and whole texts (as
WikiText). Both programs in turn, with each batch size of the harness that is named; answers are compared one by one.
"""

import argparse
import contextlib
import io
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nextword.model import CONFIGS, GPT
from nextword.weights import save_huggingface


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="a text of English to make items of")
    parser.add_argument("--items", type=int, default=48)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    from lm_eval.models.huggingface import HFLM

    from nextword.evaluate.harness import HarnessModel

    words = args.text.read_text(encoding="utf-8").split()
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        save_huggingface(GPT(CONFIGS["gpt2"]), Path(folder))
        ours = HarnessModel(folder, device="cpu")
        print("| items | nextword | the harness, by batch size | ratio to its fastest | largest difference |")
        print("|---|---|---|---|---|")
        for name, kind, make in KINDS:
            draw = random.Random(0)
            asked = [one for _ in range(args.items) for one in make(words, draw)]
            own, answers = timed(ours, kind, asked)
            theirs = {}
            worst = 0.0
            for size in args.batch_sizes:
                theirs[size], others = timed(HFLM(pretrained=folder, device="cpu", batch_size=size), kind, asked)
                worst = max(worst, *(abs(a - b) for a, b in zip(answers, others, strict=True)))
            by_size = ", ".join(f"{size}: {len(asked) / seconds:.1f}" for size, seconds in theirs.items())
            ratio = min(theirs.values()) / own
            print(f"| {len(asked)} {name} | {len(asked) / own:.1f} a second | {by_size} | {ratio:.2f} | {worst:.0e} |")


def passage(words: list[str], draw: random.Random) -> list[tuple[str, ...]]:
    """A passage of 75 words, as LAMBADA's are in the mean, without its last one."""
    text = stretch(words, draw, 75)
    context, _, last = text.rpartition(" ")
    return [(context, f" {last}")]


def scene(words: list[str], draw: random.Random) -> list[tuple[str, ...]]:
    """A scene of 45 words with four endings of 25, as HellaSwag's are."""
    context = stretch(words, draw, 45)
    return [(context, f" {stretch(words, draw, 25)}") for _ in range(4)]


def article(words: list[str], draw: random.Random) -> list[tuple[str, ...]]:
    """An eighth of the time, an article of 800 words."""
    return [(stretch(words, draw, 800),)] if draw.random() < 0.125 else []


def stretch(words: list[str], draw: random.Random, n: int) -> str:
    start = draw.randrange(len(words) - n)
    return " ".join(words[start : start + n])


KINDS: list[tuple[str, str, Callable[[list[str], random.Random], list[tuple[str, ...]]]]] = [
    ("last words", "loglikelihood", passage),
    ("endings, four of each scene", "loglikelihood", scene),
    ("articles", "loglikelihood_rolling", article),
]


def timed(model: Any, kind: str, asked: list[tuple[str, ...]]) -> tuple[float, list[float]]:
    """Ask all. -> the seconds it took, and the log-probabilities."""
    from lm_eval.api.instance import Instance

    requests = [Instance(kind, {}, one, number) for number, one in enumerate(asked)]
    with contextlib.redirect_stderr(io.StringIO()):
        getattr(model, kind)(requests[:2], disable_tqdm=True)
        began = time.perf_counter()
        answers = getattr(model, kind)(requests, disable_tqdm=True)
        seconds = time.perf_counter() - began
    return seconds, [answer if isinstance(answer, float) else answer[0] for answer in answers]


if __name__ == "__main__":
    main()
