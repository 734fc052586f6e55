"""`nextword learn doctor`: a review of a user model."""

import json
from dataclasses import dataclass
from typing import Annotated

import tyro

from nextword.cli.arguments import parse


@dataclass(frozen=True)
class Arguments:
    """Review a GPT-2 in PyTorch that was never written for nextword.

    Tells which known mistake it makes, whether it is causal, settled, initialised and tied as GPT-2, whether it learns,
    whether official weights fit. Its code is run, in a process of its own. Exits with 0 where it is sound and with 1
    where something is wrong.
    """

    model: Annotated[str, tyro.conf.Positional]
    """A file or a module, and the class in it where there are several: model.py, model.py:GPT, my_package.model:GPT.
    A notebook (.ipynb) will do."""

    make: str | None = None
    """Python that builds it, where guessing is not enough: 'GPT(V=n_vocab, d=n_embd, heads=n_head)'. It may use
    n_vocab, n_ctx, n_embd, n_head, n_layer, dropout, and all that is in the file."""

    time_limit: float = 120.0
    """How many seconds the review may take."""

    json: bool = False
    """For programs: one JSON object, as docs/classroom.md describes it."""


def doctor(arguments: list[str]) -> int:
    """Review, and print the review."""
    args = parse(Arguments, "learn doctor", arguments)

    from nextword.doctor.visit import visit
    from nextword.learn.checker.lines import show

    review = visit(args.model, args.make, args.time_limit)
    if args.json:
        print(json.dumps(review.as_json(), indent=1))
    else:
        show(review.lines())
    return 0 if review.is_sound else 1
