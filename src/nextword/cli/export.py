"""`nextword export`: a model in another program's format."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from nextword.cli.arguments import parse
from nextword.weights.formats import FORMATS

WRITTEN = tuple(name for name, one in FORMATS.items() if one.save is not None)


@dataclass(frozen=True)
class Arguments:
    """Write a model in another program's format.

    hf is Hugging Face's: transformers, vLLM, mlx-lm and llama.cpp's converter read it.
    """

    model: tyro.conf.Positional[str]
    """What to export: a run directory, any GPT-2 directory, or gpt2 and its siblings."""

    out: str
    """The directory to write to. It must be new or empty."""

    to: Annotated[Literal[WRITTEN], tyro.conf.arg(help="The format.")] = "hf"  # type: ignore[valid-type]


def run(arguments: list[str]) -> int:
    """Load the model and save it in the other format."""
    args = parse(Arguments, "export", arguments)
    out = Path(args.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"--out {out} is there already: choose a new or an empty directory.")

    from nextword.loading import load

    model, _ = load(args.model)
    written = FORMATS[args.to]
    assert written.save is not None
    written.save(model, out)
    print(f"Wrote {args.model} to {out} ({model.config.n_params:,} parameters).")
    print(f"In Python: {written.loader.format(path=out)}")
    return 0
