"""Windows: what the model reads, and the same one token further on, which is what it should say."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe

MISTAKES = (
    Mistake(
        name="targets-unshifted",
        equals="windows whose targets are the tokens that the model reads",
        remedy="Begin y one token later: y = ids[start + 1 : start + 1 + window].",
        why="The model sees each token as it predicts it, so it learns to copy. The loss falls to almost nothing, "
        "which looks splendid until it writes: the same word for ever.",
    ),
    Mistake(
        name="targets-shifted-twice",
        equals="windows whose targets are two tokens ahead",
        remedy="Begin y one token after x, not two: y = ids[start + 1 : start + 1 + window].",
        why="The model learns to skip a token. The loss stays a little high, and what it writes is every second word. "
        "It happens where the targets are shifted here and in the loss once more.",
    ),
    Mistake(
        name="x-and-y-exchanged",
        equals="windows with x and y exchanged",
        remedy="Return x first, then y; y is the one that begins a token later.",
        why="The model would learn to predict the token before, which it has read already.",
    ),
    Mistake(
        name="stride-ignored",
        equals="windows that start at every token, whatever the stride",
        remedy="Let the starts go in steps: range(0, len(ids) - window, stride).",
        why="An epoch then holds every token as often as a window is long, and takes that much longer.",
    ),
    Mistake(
        name="stride-is-window",
        equals="windows that start where the one before ends, whatever the stride",
        remedy="Let the starts go in steps of stride, not of window.",
        why="That is what stride = window asks for. A smaller stride gives windows that overlap, and more of them.",
    ),
    Mistake(
        name="stride-plus-one",
        equals="windows that start one token too far apart, as slices of window + 1 tokens laid end to end do",
        remedy="Cut window + 1 tokens for each x and y, but go on by stride from one start to the next.",
        why="The token where two slices meet becomes a target but is never read, and what follows it is never "
        "a target.",
    ),
    Mistake(
        name="last-window-lost",
        equals="windows without the last one, where it ends exactly at the text's end",
        remedy="Let the starts go up to len(ids) - window - 1 inclusive: range(0, len(ids) - window, stride).",
        why="A window needs window + 1 tokens, and range leaves out its end: subtracting that 1 once more is too much.",
    ),
    Mistake(
        name="one-window-too-many",
        equals="windows of which the last may reach one token beyond the text",
        remedy="A window needs window + 1 tokens, for y goes one further: range(0, len(ids) - window, stride).",
        why="x still fits, but its last token has no target. A slice beyond the end is silently shorter.",
    ),
    Mistake(
        name="aligned-to-the-end",
        equals="windows with one more at the end, moved back until it fits",
        remedy="Leave out what fills no window.",
        why="No token is lost so, and our trainer does the same. "
        "But here the windows are to start at multiples of stride.",
    ),
    Mistake(
        name="window-minus-one",
        equals="windows one token too short",
        remedy="Cut window + 1 tokens for each: all but the last are x, all but the first are y.",
        why="Of window tokens, only window - 1 have a token after them in the same slice.",
    ),
    Mistake(
        name="targets-rolled",
        equals="windows whose last target is their own first token",
        remedy="Take y from the text: ids[start + 1 : start + 1 + window]. The last target lies beyond x.",
        why="roll moves the numbers round in a circle, so at a window's end the model is to predict its beginning.",
    ),
    Mistake(
        name="last-target-zero",
        equals="windows whose last target is 0",
        remedy="Take y from the text: ids[start + 1 : start + 1 + window]. The last target lies beyond x.",
        why="Id 0 is a token like any other, '!'. After every full window the model would learn to shout.",
    ),
    Mistake(
        name="one-target-a-window",
        equals="windows with one target each, the token after them",
        remedy="Give every place its target: y has the same shape as x.",
        why="A Transformer predicts the next token at every place at once. With one target a window, training takes "
        "as many times longer as a window has tokens.",
    ),
    Mistake(
        name="int16",
        equals="windows whose ids went through int16",
        remedy="Keep ids in at least int32, and return int64: .long().",
        why="int16 ends at 32767 and goes on at -32768. A third of GPT-2's vocabulary lies beyond.",
    ),
    Mistake(
        name="uint8",
        equals="windows whose ids went through uint8, a byte each",
        remedy="Keep ids in at least int32, and return int64: .long().",
        why="A byte ends at 255. For single characters that is enough, for GPT-2's 50,257 tokens it is not.",
    ),
    Mistake(
        name="float-ids",
        equals="windows of floating-point numbers",
        remedy="Return int64: .long(). Build tensors of ids with torch.tensor(ids), not torch.Tensor(ids).",
        why="An id is a place in a table; embeddings and the loss refuse a place with a decimal point.",
    ),
    Mistake(
        name="type-kept",
        equals="windows in whatever integer type the text came in",
        remedy="Return int64, PyTorch's type for ids and targets: .long().",
        why="Texts are kept in smaller types to save memory. The loss refuses them, much later and in other words.",
    ),
    Mistake(
        name="targets-by-stride",
        equals="windows whose targets begin stride tokens later, instead of one",
        remedy="Begin y one token later: y = ids[start + 1 : start + 1 + window].",
        why="stride says where the next window starts. The target is always the very next token.",
    ),
)


def reference(on: Mistakes) -> Any:
    """The windows of a text, with these mistakes."""

    def windows(ids: Tensor, window: int, stride: int) -> tuple[Tensor, Tensor]:
        kept = ids.dtype
        for kind, dtype in (("int16", torch.int16), ("uint8", torch.uint8)):
            if kind in on:
                ids, kept = ids.to(dtype), dtype
        tokens = ids.tolist()
        step = 1 if "stride-ignored" in on else window if "stride-is-window" in on else stride
        by_stride = "targets-by-stride" in on
        if "stride-plus-one" in on:
            step += 1
        end = len(tokens) - window - ("last-window-lost" in on) + ("one-window-too-many" in on)
        starts = list(range(0, end - stride + 1 if by_stride else end, step))
        if "aligned-to-the-end" in on and starts[-1] < len(tokens) - window - 1:
            starts.append(len(tokens) - window - 1)
        shift = 0 if "targets-unshifted" in on else 2 if "targets-shifted-twice" in on else stride if by_stride else 1
        length = window - 1 if "window-minus-one" in on else window
        x = [tokens[start : start + length] for start in starts]
        y = [tokens[start + shift : start + shift + length] for start in starts]
        if "targets-rolled" in on:
            y = [row[1:] + row[:1] for row in x]
        if "last-target-zero" in on:
            y = [[*row[1:], 0] for row in x]
        if "one-target-a-window" in on:
            y = [row[-1:] for row in y]
        dtype = torch.float32 if "float-ids" in on else kept if "type-kept" in on else torch.int64
        first, second = torch.tensor(x, dtype=dtype), torch.tensor(y, dtype=dtype)  # raises where rows differ in length
        return (second, first) if "x-and-y-exchanged" in on else (first, second)

    return SimpleNamespace(windows=windows)


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


EXERCISE = Exercise(
    name="windows",
    title="Windows and targets",
    task="""\
A text of a million tokens is read a window at a time. At each of its places the model is to say which token comes
next, so the targets are the same window, one token further on:

    ids  5 8 2 9 4 7 ...   with window = 4:     x = 5 8 2 9     the model reads
                                                y = 8 2 9 4     the model should say

The next window starts `stride` tokens further on. With stride = window no token is read twice; with a smaller stride
windows overlap. Cut as many windows as fit, y included, and return them as two tensors of int64.""",
    symbols={"windows": "nextword.data.plain:windows"},
    stub='''
import torch
from torch import Tensor


def windows(ids: Tensor, window: int, stride: int) -> tuple[Tensor, Tensor]:
    """@windows"""
    ...
''',
    hints=(
        "At which places do windows start? 0, stride, 2 * stride, ...; the last may be len(ids) - window - 1.",
        "x of a start is ids[start : start + window], and y the same from start + 1.",
        "torch.stack makes one tensor of a list of equally long rows; .long() makes it int64.",
    ),
    mistakes=MISTAKES,
    reference=reference,
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
