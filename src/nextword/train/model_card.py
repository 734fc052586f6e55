"""A run's model card: what a stranger on the hub should know of the model."""

import json
import math
from pathlib import Path
from typing import Any

from nextword.curves import read_curve
from nextword.errors import RunError
from nextword.weights.huggingface_config import CONFIG

LICENSES = "https://huggingface.co/docs/hub/repositories-licenses"


def model_card(run: Path, repository: str, license: str | None = None) -> str:
    """Write the card of a run or of another model's directory, in Markdown with the hub's front matter.

    license: by the hub's name for it. What is told of the training is read from run.json and log.jsonl; no path of the
    machine is told, nor is the text. Raises RunError where there are no weights.
    """
    try:
        config = json.loads((run / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{run} holds no finished model ({CONFIG} cannot be read): name the directory of a run."
        ) from error
    about = recorded(run)
    title = repository.rpartition("/")[2]
    lines = ["---", "library_name: transformers", "pipeline_tag: text-generation", "tags: [gpt2, nextword]"]
    lines += [f"license: {license}"] if license else []
    lines += ["---", "", f"# {title}", "", sentence(config), ""]
    lines += ["## Use", "", *usage(repository), ""]
    if about is not None:
        lines += ["## Training", "", *training(about), ""]
        if (run / "loss.png").exists():
            lines += ["![The loss by updates](loss.png)", ""]
    if (run / "log.jsonl").exists():
        lines += ["## Evaluation", "", *evaluation(run), ""]
    lines += ["## Limits", "", *limits(about), ""]
    return "\n".join(lines)


def recorded(run: Path) -> dict[str, Any] | None:
    """Read run.json, if there is one."""
    try:
        found = json.loads((run / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def sentence(config: dict[str, Any]) -> str:
    """Describe a model's shape."""
    return (
        f"A GPT-2 of {config['n_layer']} blocks, {config['n_embd']} numbers wide, with {config['n_head']} heads, a "
        f"context of {config['n_positions']:,} tokens and a vocabulary of {config['vocab_size']:,}. It continues a "
        "text; it was not taught to answer or to obey."
    )


def usage(repository: str) -> list[str]:
    """Show how to load it."""
    return [
        "```python",
        "from transformers import pipeline",
        "",
        f'write = pipeline("text-generation", model="{repository}")',
        'print(write("Once")[0]["generated_text"])',
        "```",
    ]


def training(about: dict[str, Any]) -> list[str]:
    """List the data and the settings of a training."""
    data, plan, config = about.get("data", {}), about.get("plan", {}), about.get("config", {})
    tokens = plan.get("steps", 0) * plan.get("window", 0) * plan.get("batch_size", 0) * plan.get("accumulate", 1)
    begun = "from random weights" if config.get("init") is None else "from trained weights"
    rows = [
        ("data", f"{data.get('name')}: {data.get('train_tokens', 0):,} tokens, SHA-256 `{data.get('sha256')}`"),
        ("begun", begun),
        ("updates", f"{plan.get('steps', 0):,}, {tokens:,} tokens in all"),
        (
            "each of",
            f"{plan.get('batch_size')} windows of {plan.get('window')} tokens, {plan.get('accumulate', 1)} times",
        ),
        (
            "optimizer",
            f"{plan.get('optimizer', 'adamw')}, learning rate {plan.get('lr', 0):.3g}, {plan.get('schedule')}",
        ),
        ("dropout", f"{plan.get('dropout')}"),
        ("seed", f"{config.get('seed')}"),
        ("made with", ", ".join(f"{name} {version}" for name, version in about.get("versions", {}).items())),
    ]
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def evaluation(run: Path) -> list[str]:
    """Tell the losses on the text that was kept from training."""
    curve = read_curve(run)
    if not curve.val:
        return ["It was not validated."]
    best, last = min(curve.val, key=lambda point: point[1]), curve.val[-1]
    told = [("the end", last), ("its best", best)]
    rows = [f"| {name} | {step:,} | {loss:.4f} | {math.exp(loss):,.1f} |" for name, (step, loss) in told]
    return [
        "On the last part of the same text, which it did not learn from:",
        "",
        "| at | update | loss a token | perplexity |",
        "|---|---|---|---|",
        *rows,
    ]


def limits(about: dict[str, Any] | None) -> list[str]:
    """Say what such a model is not for."""
    words = "It says what its text makes likely, which need not be true or kind."
    n = (about or {}).get("data", {}).get("train_tokens", 0)
    if 0 < n < 10_000_000:
        words += f" With {n:,} tokens of text it knows little of the language, and may repeat its text word for word."
    return [words]
