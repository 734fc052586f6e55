"""The planted runs as curves, and as the logs that other programs would have written of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nextword.curves import Circumstances, Curve, Point

FOLDER = Path(__file__).parent


def planted(name: str = "planted.json") -> dict[str, dict[str, Any]]:
    """The runs that planted.py trained, by their names."""
    found: dict[str, dict[str, Any]] = json.loads((FOLDER / name).read_text())
    return found


def curve_of(name: str, log: dict[str, Any]) -> Curve:
    """The curve of a planted run."""
    known = {field: log[field] for field in Circumstances.__dataclass_fields__ if field in log}
    return Curve(name, tuple(Point(*point) for point in log["points"]), Circumstances(**known))


def nanogpt(log: dict[str, Any]) -> Iterator[str]:
    """What nanoGPT would have printed."""
    yield f"tokens per iteration will be: {log['tokens_per_step']:,}"
    yield f"found vocab_size = {log['n_vocab']} (inside data/mine/meta.pkl)"
    how = (
        "Initializing from OpenAI GPT-2 weights: gpt2" if log["fine_tuned"] else "Initializing a new model from scratch"
    )
    yield how
    yield f"number of parameters: {log['n_params'] / 1e6:.2f}M"
    before = 0.0
    for step, train, val in log["points"]:
        before = before if train is None else train
        if val is not None:
            yield f"step {step}: train loss {before:.4f}, val loss {val:.4f}"
        if train is not None:
            yield f"iter {step}: loss {train:.4f}, time 12.34ms, mfu 1.23%"


def llmc(log: dict[str, Any]) -> Iterator[str]:
    """What llm.c would have printed."""
    yield "+-----------------------+----------------------------------------------------+"
    weights = "gpt2_124M_bf16.bin" if log["fine_tuned"] else "d12"
    yield f"| load_filename         | {weights:<50} |"
    yield f"| total batch size      | {log['tokens_per_step']:<50} |"
    yield f"| LR warmup iterations  | {log['warmup']:<50} |"
    yield f"| vocab_size V          | {log['n_vocab']:<50} |"
    yield f"| padded_vocab_size Vp  | {log['n_vocab'] + 47:<50} |"
    yield f"| num_parameters        | {log['n_params']:<50} |"
    for step, train, val in log["points"]:
        if val is not None:
            yield f"val loss {val:f}"
        if train is not None:
            yield (
                f"step {step + 1:4d}/{log['steps']} | loss {train:7.6f} (+0.12z)| norm 1.1461 (+0.15z)| lr 6.86e-05 | "
                "2950.68 ms | 49.0% bf16 MFU | 177968 tok/s"
            )
