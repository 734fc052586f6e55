"""`nextword import`: another program's checkpoint, made a model of ours."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nextword.cli.arguments import parse


@dataclass(frozen=True)
class Arguments:
    """Make a model of another program's checkpoint, in a directory that nextword and all others read.

    Files of nanoGPT, build-nanogpt and minGPT (ckpt.pt), LLMs-from-scratch (.pth), Hugging Face (pytorch_model.bin),
    llm.c (.bin) and llama.cpp (.gguf). Of a pickle only tensors, numbers and texts are read: nothing in it is run.
    """

    file: Annotated[str, tyro.conf.Positional]
    """The checkpoint."""

    out: str
    """The directory to write to. It must be new or empty."""

    n_head: int | None = None
    """The number of attention heads, where the file does not say it. Default: as many as make heads of 64 numbers."""

    verbose: bool = False
    """Say of each parameter which of ours it became."""


def run(arguments: list[str]) -> int:
    """Import, save, load again, compare, and say what was done."""
    args = parse(Arguments, "import", arguments)
    out = Path(args.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"--out {out} is there already: choose a new or an empty directory.")

    import torch

    from nextword.weights import load_model, save_huggingface
    from nextword.weights.foreign import import_checkpoint

    imported = import_checkpoint(args.file, args.n_head)
    save_huggingface(imported.model, out)
    ids = torch.arange(min(16, imported.model.config.n_ctx))[None] % imported.model.config.n_vocab
    with torch.inference_mode():
        same = torch.equal(imported.model(ids), load_model(out).eval()(ids))
    if not same:
        raise ValueError(f"What was written to {out} is not what was read: the disk may be full or damaged.")
    c = imported.model.config
    print(f"{args.file} has the names of {imported.whose}.")
    if args.verbose:
        width = max(map(len, imported.names.values()))
        print(*(f"  {theirs:<{width}}  ->  {ours}" for ours, theirs in imported.names.items()), sep="\n")
    print(*imported.notes, sep="\n", end="\n" if imported.notes else "")
    print(
        f"Wrote {out}: {c.n_params:,} parameters, {c.n_layer} blocks, width {c.n_embd}, {c.n_head} heads, "
        f"context {c.n_ctx}, {c.n_vocab:,} tokens. Loaded again, it computes the same."
    )
    if not (out / "tokenizer.json").exists():
        print("Its tokens are not GPT-2's: put its tokenizer.json, or vocab.json and merges.txt, beside its weights.")
    return 0
