"""`nextword trace`: what a model thinks of a prompt, in the terminal or as a picture."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from nextword.cli.arguments import parse, read_prompt
from nextword.cli.chosen_model import chosen_model
from nextword.commands import command

PICTURES = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Arguments:
    """See inside: each token's surprisal, the layers' guesses, a head's attention."""

    prompt: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """The text to look at. Without it, standard input is read."""

    model: str = "gpt2"
    """A run directory, any GPT-2 directory, gpt2, gpt2-medium, gpt2-large, gpt2-xl, or heads, the small one at hand.
    Or a class of your own, my_gpt2:GPT or path/to/file.py:GPTModel, to be filled with --weights."""

    weights: str | None = None
    """What to fill a class of your own with: all that --model takes besides."""

    layer: int | None = None
    """Look at the heads of this layer, counted from 0 as in the code. Default: at those of all."""

    head: int | None = None
    """Look at this head of the layer. Default: the one that looks most at one earlier token."""

    position: int = -1
    """The token after which to look, 0 for the first, -1 for the last."""

    out: str | None = None
    """A file for the same as a picture (.png, .svg, .pdf) or as a page (.html). Default: none is written."""

    device: str = "auto"
    """Where to compute: cuda, mps or cpu; auto takes the first of them that is there."""

    engine: Literal["native", "torch", "plain"] | None = None
    """What computes: torch is PyTorch's fast kernels, plain is the code of the README's tour, to read along with;
    there is nothing to look into in native. Default: torch."""

    def __post_init__(self) -> None:
        if self.head is not None and self.layer is None:
            raise ValueError(f"--head {self.head} needs a --layer, since each layer has such a head.")
        if self.out is not None and Path(self.out).suffix.lower() not in (*PICTURES, ".html"):
            raise ValueError(f"--out {self.out}: give a name that ends in .png, .svg, .pdf or .html.")


def run(arguments: list[str]) -> int:
    """Look, and show what there is to see."""
    args = parse(Arguments, "trace", arguments)
    prompt = read_prompt("trace", args.prompt)
    if not prompt:
        raise ValueError(f"The prompt is empty: {command('trace', 'Every effort moves you')}")
    if args.out is not None and not Path(args.out).absolute().parent.is_dir():
        raise ValueError(f"--out {args.out}: there is no folder {Path(args.out).absolute().parent}.")

    model, tokenizer = chosen_model(args.model, args.weights, args.device, args.engine)
    ids, n_ctx = tokenizer.encode_prompt(prompt), model.config.n_ctx
    if len(ids) > n_ctx:
        raise ValueError(f"The prompt has {len(ids)} tokens, and {args.model} sees {n_ctx} at most: shorten it.")

    from rich.console import Console

    from nextword.cli.trace_terminal import show
    from nextword.lens.view import view
    from nextword.user_model import checked_gpt

    seen = view(checked_gpt(model, [ids]), ids, args.position, args.layer, args.head)
    show(seen, Console(highlight=False))
    if args.out is not None:
        write(seen, Path(args.out), args.model)
        print(f"Wrote {args.out}.", file=sys.stderr)
    return 0


def write(seen: object, file: Path, name: str) -> None:
    """Write the view as a page or as a picture, by the file's name."""
    from nextword.lens.view import View

    assert isinstance(seen, View)
    if file.suffix.lower() == ".html":
        from nextword.cli.trace_page import page
        from nextword.runtime import replacing

        with replacing(file) as draft:
            draft.write_text(page(seen, name), encoding="utf-8")
    else:
        from nextword.cli.trace_picture import picture
        from nextword.lens.labelled import save

        save(picture(seen, name), file)
