"""Windows: the model's inputs, and the same one token further on as its targets."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


def cut(n_tokens: int, window: int, stride: int) -> Probe:
    """The windows of a text whose tokens are 10, 11, 12, ..."""

    def run(solution: Any) -> Any:
        x, y = solution.windows(torch.arange(10, 10 + n_tokens), window, stride)
        return {"x": x, "y": y}

    return Probe(f"the text 10, 11, ..., {9 + n_tokens} with window = {window}, stride = {stride}", run)


def large_ids(solution: Any) -> Any:
    """Ids that need more than 15 bits, as int32."""
    ids = torch.tensor([50256, 40000, 32768, 7, 300, 255, 256], dtype=torch.int32)
    x, y = solution.windows(ids, 3, 3)
    return {"x": x, "y": y}


def types(solution: Any) -> Any:
    """What type comes back for int32."""
    x, y = solution.windows(torch.arange(7, dtype=torch.int32), 3, 3)
    return {name: str(torch.as_tensor(value).dtype) for name, value in (("x", x), ("y", y))}


EXERCISE = exercise_in(
    __file__,
    title="Windows and targets",
    task="""\
A text of a million tokens is read a window at a time. At each of its places the model is to say which token comes
next, so the targets are the same window, one token further on:

    ids  5 8 2 9 4 7 ...   with window = 4:     x = 5 8 2 9     the model reads
                                                y = 8 2 9 4     the model should say

The next window starts `stride` tokens further on. With stride = window no token is read twice; with a smaller stride
windows overlap. Cut as many windows as fit, y included, and return them as two tensors of int64.""",
    symbols={"windows": "nextword.data.plain:windows"},
    hints=(
        "At which places do windows start? 0, stride, 2 * stride, ...; the last may be len(ids) - window - 1.",
        "x of a start is ids[start : start + window], and y the same from start + 1.",
        "torch.stack makes one tensor of a list of equally long rows; .long() makes it int64.",
    ),
    reference="slices",
    probes=(
        cut(9, 4, 4),
        cut(10, 4, 2),
        cut(11, 4, 2),
        cut(7, 3, 1),
        cut(17, 3, 5),
        Probe("ids up to 50256", large_ids),
        Probe("the type that comes back", types),
    ),
)
