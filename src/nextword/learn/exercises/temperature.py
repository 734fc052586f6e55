"""Temperature: drawing the next token by its probability, more or less daringly."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.comparing import Near
from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import numbers

MISTAKES = (
    Mistake(
        name="multiplied",
        equals="sampling from logits multiplied by the temperature",
        remedy="Divide the logits by the temperature.",
        why="A low temperature must make the differences between logits larger, so that the likely gets likelier.",
    ),
    Mistake(
        name="temperature-ignored",
        equals="sampling at temperature 1, whatever temperature is asked for",
        remedy="Divide the logits by the temperature before the softmax.",
        why="Dividing the probabilities instead is the same as nothing: all of them shrink alike, and drawing "
        "looks only at how they compare.",
    ),
    Mistake(
        name="zero-divides",
        equals="sampling that divides by a temperature of 0",
        remedy="Treat temperature 0 by itself: return logits.argmax(-1).",
        why="0 is the limit in which the likeliest token takes everything. Dividing by it gives inf - inf, NaN.",
    ),
    Mistake(
        name="greedy-always",
        equals="the likeliest token at every temperature",
        remedy="Draw by the probabilities: torch.multinomial(probabilities, 1).",
        why="Dividing by a temperature never changes which logit is the highest, so argmax does not notice it.",
    ),
    Mistake(
        name="over-rows",
        equals="a softmax over the texts instead of over the vocabulary",
        remedy="Take the softmax over the last dimension: softmax(logits / temperature, dim=-1).",
        why="Each text has a distribution of its own over the vocabulary.",
    ),
    Mistake(
        name="uniform",
        equals="drawing every token equally often",
        remedy="Draw by the probabilities, the softmax of the logits: torch.multinomial(probabilities, 1).",
        why="randint knows nothing of the model.",
    ),
    Mistake(
        name="one-for-all",
        equals="one draw for all texts",
        remedy="Draw for each row by itself: torch.multinomial(probabilities, 1) on (B, V) does.",
        why="Texts that are written side by side would all say the same.",
    ),
    Mistake(
        name="double-softmax",
        equals="a softmax of a softmax",
        remedy="Take the softmax once; torch.multinomial wants probabilities, Categorical(logits=...) wants logits.",
        why="Probabilities are between 0 and 1, so a second softmax makes them nearly equal: the text turns to noise.",
    ),
    Mistake(
        name="column",
        equals="a column (B, 1) instead of ids (B,)",
        remedy="Take the column off: torch.multinomial(probabilities, 1).squeeze(-1), and no keepdim.",
        why="multinomial can draw several tokens of each row, so what it gives is (B, 1) even for one.",
    ),
    Mistake(
        name="squeezed",
        equals="ids that lose their dimension where there is one text only",
        remedy="Squeeze the last dimension only: squeeze(-1), or [:, 0].",
        why="squeeze() without a dimension takes off all of size 1, also the batch when it holds one text. The shape "
        "then depends on how many there are.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Sampling with a temperature in float64, with these mistakes."""

    def sample(logits: Tensor, temperature: float = 1.0) -> Tensor:
        logits = logits.double()
        if "greedy-always" in on or (temperature == 0.0 and "zero-divides" not in on):
            return as_asked(logits.argmax(-1))
        if "uniform" in on:
            return torch.randint(logits.size(-1), (len(logits),))
        if "temperature-ignored" not in on:
            logits = logits * temperature if "multiplied" in on else logits / temperature
        chances = logits.softmax(0 if "over-rows" in on else -1)
        if "double-softmax" in on:
            chances = chances.softmax(-1)
        if "one-for-all" in on:
            return as_asked(chances[:1].multinomial(1)[0].expand(len(logits)))
        return as_asked(chances.multinomial(1).squeeze(-1))

    def as_asked(ids: Tensor) -> Tensor:
        return ids.unsqueeze(-1) if "column" in on else ids.squeeze() if "squeezed" in on else ids

    return SimpleNamespace(sample=sample)


def shares(sample: Any, logits: Tensor, *arguments: Any, draws: int = 8000, **options: Any) -> Any:
    """How often each token of a row of logits (V,) is drawn, in a batch of very many such rows."""
    rows = logits.repeat(draws, 1)  # not expand: an answer may work in place
    drawn = torch.as_tensor(sample(rows, *arguments, **options))
    if drawn.shape != (draws,):
        return f"for {draws} rows ids of the shape {tuple(drawn.shape)}"
    return Near(torch.bincount(drawn.long(), minlength=len(logits)) / draws, 0.03)


FOUR = torch.tensor([1.0, 2.0, 0.0, 3.0])


def one_row(solution: Any) -> Any:
    """The shape of what is drawn of one text."""
    return tuple(torch.as_tensor(solution.sample(numbers(1, 61), 1.0)).shape)


def each_row_by_itself(solution: Any) -> Any:
    """Two kinds of rows in turn: how often each kind's own favourite is drawn, and how many tokens are."""
    logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 0.0, 4.0]]).repeat(3000, 1)
    drawn = torch.as_tensor(solution.sample(logits, 1.0)).reshape(3000, 2)
    return Near([(drawn[:, 0] == 0).double().mean(), (drawn[:, 1] == 2).double().mean()], 0.05)


EXERCISE = Exercise(
    name="temperature",
    title="Drawing with a temperature",
    task="""\
Always taking the likeliest token makes dull texts. Instead the next token is drawn: each as often as the model thinks
it likely. The temperature bends these probabilities first. Below 1 the likely gets likelier, above 1 the unlikely gets
a chance, and at 0 the likeliest token takes everything:

    probabilities = softmax(logits / temperature)""",
    symbols={"sample": "nextword.decode.plain:sample"},
    stub='''
import torch
from parts import softmax
from torch import Tensor


def sample(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """@sample"""
    ...
''',
    hints=(
        "The temperature acts on the logits, before the softmax.",
        "torch.multinomial(probabilities, 1) draws one place of each row by its probability: (B, V) -> (B, 1).",
        "What is logits / 0? Answer a temperature of 0 before you divide.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("how often each of four tokens is drawn, temperature 0", lambda s: shares(s.sample, FOUR, 0.0)),
        Probe("how often each of four tokens is drawn, temperature 1", lambda s: shares(s.sample, FOUR)),
        Probe("how often each of four tokens is drawn, temperature 0.5", lambda s: shares(s.sample, FOUR, 0.5)),
        Probe("how often each of four tokens is drawn, temperature 3", lambda s: shares(s.sample, FOUR, 3.0)),
        Probe("how often each of two texts gets its favourite, side by side", each_row_by_itself),
        Probe("the shape of what is drawn for one text", one_row),
    ),
)
