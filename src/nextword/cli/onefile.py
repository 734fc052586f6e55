"""`nextword onefile`: GPT-2, the whole in one file."""

import sys
from dataclasses import dataclass
from pathlib import Path

from nextword.cli.arguments import parse
from nextword.commands import command


@dataclass(frozen=True)
class Arguments:
    """Write GPT-2 as one Python file of at most 300 lines, to read, run and change.

    Tokenizer, model, training and sampling, made of nextword's own source. The file needs PyTorch and regex, and
    GPT-2's merges beside it, which --out puts there.
    """

    out: str | None = None
    """The file to write; vocab.bpe is put beside it. Default: standard output, and no vocab.bpe."""


def run(arguments: list[str]) -> int:
    """Write the file, or print it."""
    args = parse(Arguments, "onefile", arguments)
    out = None if args.out is None else Path(args.out)
    if out is not None and out.exists():
        raise ValueError(f"--out {out} is there already: choose another name.")

    from nextword.onefile import onefile
    from nextword.tokenizer.vocab import read_vocab_bpe

    if out is None:
        print(onefile(), end="")
        print(f"To run, it needs vocab.bpe beside it: {command('onefile', '--out', 'gpt2.py')}", file=sys.stderr)
        return 0
    out.write_text(onefile(), encoding="utf-8")
    out.with_name("vocab.bpe").write_bytes(read_vocab_bpe())
    print(f"Wrote {out}, and vocab.bpe beside it. Try: python {out} train my.txt")
    return 0
