"""What fewer bits cost: `python -m benchmarks.quality --model DIR --text FILE`.

At many places of a text that the model should know how to continue, every number format says how likely the true next
token is, and how it spreads the rest. Loss is the mean surprise at the true token; KL divergence is how far a format's
probabilities are from float32's, whether or not those were right.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray

from nextword.cli.arguments import readable_width

Logits = Callable[[Sequence[int]], NDArray[np.float32]]
FORMATS = ("float32", "bfloat16", "int8", "int4")


@dataclass(frozen=True)
class Arguments:
    """Measure the loss of a model on a text in every number format, and each format's distance from float32."""

    model: str
    """A run directory, any GPT-2 directory, or gpt2 and its siblings."""

    text: str = "story"
    """A text in UTF-8 that the model was not trained on; or story, the bundled one."""

    places: int = 400
    """How many places of the text are looked at, evenly spread."""

    context: int = 128
    """How many tokens the model sees before each place, where there are so many."""


@dataclass(frozen=True)
class Quality:
    """What one format makes of a text, in nats a token, with standard errors.

    more: its loss less float32's, whose error is smaller than the loss's own, since the text is the same.
    agreement: how often its likeliest token is float32's.
    """

    format: str
    loss: float
    loss_error: float
    more: float
    more_error: float
    divergence: float
    divergence_error: float
    agreement: float


def main() -> None:
    with readable_width():
        args = tyro.cli(Arguments, prog="python -m benchmarks.quality")
    from nextword.data import read_corpus
    from nextword.tokenizer import Tokenizer

    ids = Tokenizer().encode(read_corpus((args.text,)).documents[0])
    where = spread(len(ids), args.places)
    found = measure([(name, engine_logits(args.model, name)) for name in FORMATS], ids, where, args.context)
    print(f"{Path(args.model).name} on {args.text}: {len(where)} places, {args.context} tokens before each\n")
    print(table(found))


def engine_logits(model: str, format: str) -> Logits:
    """The scores of the token after some ids, by the engine of this format."""
    from nextword.loading import load_engine

    quantized = format.startswith("int")
    engine, _ = load_engine(
        model, device="cpu", dtype=None if quantized else format, quantize=format if quantized else None
    )

    def logits(ids: Sequence[int]) -> NDArray[np.float32]:
        engine.read(0, ids)
        return engine.next_logits([0])[0]

    return logits


def spread(n_ids: int, count: int) -> list[int]:
    """Places evenly spread over a text, each with at least one token before it."""
    return sorted({int(place) for place in np.linspace(1, n_ids - 1, min(count, n_ids - 1))})


def measure(
    formats: Sequence[tuple[str, Logits]], ids: Sequence[int], where: Sequence[int], context: int
) -> list[Quality]:
    """Let every format predict the tokens at these places of ids. The first one is what the others are compared to."""
    truth: list[NDArray[np.float64]] = []
    true_losses: list[float] = []
    found = []
    for name, logits in formats:
        predicted = [log_softmax(logits(ids[max(0, place - context) : place])) for place in where]
        losses = [float(-log_p[ids[place]]) for log_p, place in zip(predicted, where, strict=True)]
        truth, true_losses = truth or predicted, true_losses or losses
        more = [loss - true for loss, true in zip(losses, true_losses, strict=True)]
        pairs = list(zip(truth, predicted, strict=True))
        divergences = [float((np.exp(p) * (p - q)).sum()) for p, q in pairs]
        same = [int(p.argmax() == q.argmax()) for p, q in pairs]
        errors = [number for values in (losses, more, divergences) for number in mean_and_error(values)]
        found.append(Quality(name, *errors, float(np.mean(same))))
    return found


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores (V,) -> log-probabilities (V,)."""
    x = np.asarray(logits, dtype=np.float64)
    x = x - x.max()
    return x - np.log(np.exp(x).sum())


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and its standard error."""
    return float(np.mean(values)), float(np.std(values) / math.sqrt(len(values)))


def table(found: Sequence[Quality]) -> str:
    """As Markdown."""
    lines = [
        "| format | loss, nats/token | more than float32 | KL to float32, nats | same likeliest token |",
        "|---|---|---|---|---|",
    ]
    for one in found:
        more = f"{one.more:+.4f} ± {one.more_error:.4f}" if one is not found[0] else ""
        divergence = f"{one.divergence:.2e} ± {one.divergence_error:.0e}" if one is not found[0] else ""
        lines.append(
            f"| {one.format} | {one.loss:.4f} ± {one.loss_error:.3f} | {more} | {divergence} | {one.agreement:.1%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
