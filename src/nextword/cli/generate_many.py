"""`nextword generate --prompts`: many prompts from a file, side by side."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextword.cli.measuring_line import MeasuringLine
from nextword.commands import quoted

if TYPE_CHECKING:
    from nextword.decode import Engine
    from nextword.tokenizer import Tokenizer


def generate_many(
    prompts: Path,
    out: Path,
    part: str | None,
    usual: Mapping[str, Any],
    model: str,
    load: "Callable[[], tuple[Engine, Tokenizer]]",
) -> int:
    """Answer the prompts of a file into another. -> 0, or 1 where some were refused.

    part: as `K/N`. usual: the settings of a line that is only a prompt. load: makes the engine, on whose rows texts are
    written side by side, when all else is seen to be right. Raises ValueError where what serves is not installed.
    """
    if find_spec("fastapi") is None:
        raise ValueError(f"--prompts needs what serves: {quoted(sys.executable)} -m pip install fastapi uvicorn")

    from nextword.data.parts import Part, parse_part
    from nextword.decode import Sampling
    from nextword.serve.batch_file import answer_all, answered, read_requests
    from nextword.serve.completions import Completions
    from nextword.serve.requests import CompletionRequest
    from nextword.serve.scheduler import Scheduler

    unknown = {name for name in usual if name not in CompletionRequest.model_fields}  # a sampler that the API has not
    if changed := sorted(name for name in unknown if usual[name] != getattr(Sampling(), name)):
        raise ValueError(
            f"--{changed[0].replace('_', '-')} is for a single prompt: requests of the API do not have it."
        )
    usual = {name: value for name, value in usual.items() if name not in unknown}
    chosen = Part(1, 1) if part is None else parse_part(part)
    n_requests = sum(1 for _ in read_requests(prompts, chosen, usual))
    answered(out)
    engine, tokenizer = load()
    scheduler, line = Scheduler(engine), MeasuringLine(model)
    try:
        completions = Completions(scheduler, tokenizer, model)
        requests = read_requests(prompts, chosen, usual)
        work = answer_all(completions, requests, out, 2 * engine.n_rows, lambda done: line.tell(done, n_requests))
        refused = asyncio.run(work)
    finally:
        scheduler.close()
        line.end()
    print(f"{n_requests:,} answers are in {out}" + (f", {refused:,} of them refusals." if refused else "."))
    return 1 if refused else 0
