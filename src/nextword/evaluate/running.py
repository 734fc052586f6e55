"""Score the items of a task, all or a part of them, and resume."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch

from nextword.data.parts import Part
from nextword.evaluate.outcome_file import Appending, Header, appending
from nextword.evaluate.scoring import score
from nextword.evaluate.task import Outcome, Task
from nextword.model import GPT

TOGETHER = 16_384
"""Tokens to score before outcomes are written: enough to be sorted by length, few enough to lose."""

Tell = Callable[[int, int], None]
"""Is called with how many items are done, and of how many."""


def outcomes_of(
    model: GPT,
    task: Task,
    name: str = "",
    dtype: torch.dtype = torch.float32,
    part: Part | None = None,
    out: Path | None = None,
    limit: int | None = None,
    tell: Tell = lambda done, of: None,
) -> dict[int, Outcome]:
    """Score a task's items, or a part of them. -> their outcomes by item.

    limit: take the first so many items only. out: a file to keep each outcome in; those that are in it already
    are not computed again, so that the same call goes on after a kill. name: the model's, for that file. Raises
    DataError where the file is of something else.
    """
    part = part or Part(1, 1)
    n_items = task.n_items if limit is None else min(limit, task.n_items)
    wanted = range(part.number - 1, n_items, part.count)
    kind = str(dtype).removeprefix("torch.")
    header = Header(name, task.name, task.protocol, task.sha256, n_items, kind, model.config.n_ctx)
    with nullcontext(Appending(None, {})) if out is None else appending(out, header) as file:
        found = {item: row for item, row in file.found.items() if item in wanted}
        tell(len(found), len(wanted))
        for items in groups(task, [item for item in wanted if item not in found]):
            scores = score(model, [task.request(item) for item in items], dtype)
            new = {item: task.outcome(item, scored) for item, scored in zip(items, scores, strict=True)}
            if out is not None:
                file.add(new)
            found |= new
            tell(len(found), len(wanted))
    return dict(sorted(found.items()))


def groups(task: Task, items: Sequence[int]) -> Iterator[list[int]]:
    """Divide items into groups of at most so many tokens, in their order."""
    group: list[int] = []
    n_tokens = 0
    for item in items:
        request = task.request(item)
        size = len(request.text) + sum(map(len, request.continuations))
        if group and n_tokens + size > TOGETHER:
            yield group
            group, n_tokens = [], 0
        group.append(item)
        n_tokens += size
    if group:
        yield group
