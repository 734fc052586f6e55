"""`nextword verify`: is this GPT-2 exact?"""

import json
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from nextword.cli.arguments import parse

if TYPE_CHECKING:
    from nextword.evaluate.references import LayerReference
    from nextword.evaluate.verification import Check
    from nextword.model import GPT

WEIGHTS = ("*.safetensors", "pytorch_model.bin", "model.ckpt.data-*")


@dataclass(frozen=True)
class Arguments:
    """Check that a model is exact.

    Each layer is compared with independent implementations; then come its tokenizer, causality, the KV cache, batches,
    every engine in every format, and what the official model is known to write.

    Works offline, on any model that nextword loads. Exits with 0 where all is as it should be, else with 1.
    """

    model: Annotated[str, tyro.conf.Positional]
    """gpt2 or a sibling, a run, a Hugging Face or an OpenAI directory."""

    against: str | None = None
    """Compare each layer with: hf (transformers), or the path of another model of the same shape. Default: hf, if it is
    installed; the mathematics in float64 always."""

    plot: str | None = None
    """Draw the differences layer by layer into this file (PNG)."""

    json: bool = False
    """Write the findings as JSON."""


def run(arguments: list[str]) -> int:
    """Check, and print each finding as it is made."""
    args = parse(Arguments, "verify", arguments)

    from nextword.evaluate.verification import verify
    from nextword.loading import load
    from nextword.weights.hub import REPOSITORIES, fetch

    model, tokenizer = load(args.model)
    folder = fetch(args.model) if args.model in REPOSITORIES else Path(args.model).expanduser()
    files = sorted(file for pattern in WEIGHTS for file in folder.glob(pattern)) if folder.is_dir() else []
    references = references_of(args.against, model, folder)
    found: list[Check] = []
    for check in verify(args.model, model, tokenizer, references, files):
        found.append(check)
        if not args.json:
            print(line(check), flush=True)
    wrong = [check for check in found if check.passed is False]
    if args.json:
        print(json.dumps({"model": args.model, "exact": not wrong, "checks": [asdict(one) for one in found]}, indent=1))
    else:
        n = sum(check.passed is not None for check in found)
        print(
            f"\n{n - len(wrong)} of {n} checks are as they should be."
            + (" This is GPT-2, exactly." if not wrong else "")
        )
    if args.plot is not None:
        draw(found, references, Path(args.plot).expanduser())
    return 1 if wrong else 0


def references_of(against: str | None, model: "GPT", folder: Path) -> "list[LayerReference]":
    """Choose what to compare with. Raises ValueError for what cannot be had."""
    from nextword.evaluate.references import by_float64, by_model, by_transformers
    from nextword.loading import load

    found = [by_float64(model)]
    if against == "hf" or (against is None and find_spec("transformers") is not None):
        theirs = folder if (folder / "config.json").exists() else None
        return [by_transformers(model, theirs), *found]
    if against is not None:
        if not Path(against).expanduser().exists():
            raise ValueError(f"--against {against}: give hf, or the path of another model.")
        other, _ = load(against)
        if other.config.n_params != model.config.n_params or other.config.n_head != model.config.n_head:
            raise ValueError(f"--against {against}: it has another shape ({other.config.n_params:,} parameters).")
        return [by_model(against, other), *found]
    return found


def line(check: "Check") -> str:
    """Write a finding on a line."""
    mark = {True: "ok ", False: "OFF", None: "   "}[check.passed]
    return f"{mark}  {check.name}: {check.found}"


def draw(found: "list[Check]", references: "list[LayerReference]", picture: Path) -> None:
    """Draw the differences layer by layer."""
    from nextword.evaluate.verification_plot import plot_differences

    by_reference = {}
    for reference in references:
        end = f", beside {reference.name}"
        layers = [check for check in found if check.name.endswith(end) and check.numbers]
        by_reference[reference.name] = [
            (
                check.name.removesuffix(end),
                check.numbers["largest"] / check.numbers["scale"],
                check.numbers["mean"] / check.numbers["scale"],
            )
            for check in layers
        ]
    plot_differences(by_reference, picture)
