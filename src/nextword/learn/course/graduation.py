"""Graduation: check the learner's whole model, train it on a passage, and let it write.

Runs in a process of its own, since it is the learner's code that computes:
`python -m nextword.learn.course.graduation FOLDER RESULT`, which tells on standard
output how far it is, and leaves what `Graduation` holds as JSON in RESULT.
`certificate.py` makes the certificate of it.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nextword.config import GPTConfig
from nextword.learn.checker.comparing import Raised
from nextword.learn.checker.diagnosis import Diagnosis, diagnose
from nextword.learn.checker.exercise import RIGHT
from nextword.learn.checker.track import TRACK
from nextword.learn.course.parts import LearnersParts, initialised
from nextword.learn.fixtures.building import build, output, weights
from nextword.learn.fixtures.fixture import CONFIG, token_ids
from nextword.learn.fixtures.network import ReferenceGPT
from nextword.runtime import replacing

WINDOW, STRIDE, BATCH_SIZE, EPOCHS, PEAK = 48, 2, 8, 24, 3e-3
PASSAGE_CHARACTERS = 800
"""So much of the story is learnt: enough to be a text, and little enough for a minute."""

PROMPT_TOKENS, NEW_TOKENS = 8, 60


@dataclass(frozen=True)
class Graduation:
    """What was seen of the learner's model.

    mistakes: what is wrong with it, in words; then the rest is as it was at
    that point. error: the largest distance of its logits from the reference's
    in float64, on a model in which every number is random. n_params: at GPT-2's
    size. losses: the first and the last, in nats a token. prompt and written:
    texts. recalled: which share of the written tokens are the passage's.
    """

    mistakes: tuple[str, ...] = ()
    error: float = 0.0
    n_params: int = 0
    first_loss: float = 0.0
    last_loss: float = 0.0
    steps: int = 0
    prompt: str = ""
    written: str = ""
    recalled: float = 0.0
    notes: tuple[str, ...] = ()


def graduate(parts: Any, tell: Callable[[str], object]) -> Graduation:
    """Check the whole model, and let it learn and write. parts: the learner's symbols; tell: gets lines of progress.

    Whatever the learner's code raises comes through.
    """
    tell("Comparing the whole model with the reference ...")
    found = diagnose(TRACK["gpt"], parts)
    if found.status != "passed":
        return Graduation(mistakes=tuple(complaints(found)))
    seen = Graduation(error=largest_error(parts), n_params=int(parts.n_params(GPTConfig())))
    tell(f"Teaching it {PASSAGE_CHARACTERS} characters of a story by heart, with your own training loop ...")
    return learn_by_heart(parts, seen)


def complaints(found: Diagnosis) -> Iterator[str]:
    """What is wrong with a whole model, in sentences."""
    for mistake in found.mistakes:
        yield f"It equals {mistake.equals}. {mistake.remedy}"
    if not found.mistakes:
        first = found.differences[0]
        how = f"it stops with {first.yours}" if isinstance(first.yours, Raised) else "it differs from the reference"
        yield f"{first.probe}: {how}."


def largest_error(parts: Any) -> float:
    """Largest distance of the logits from the reference's, in standard deviations, for n_ctx tokens."""
    tensors = weights(CONFIG, "gpt")
    ids = token_ids(2, CONFIG.n_ctx)
    with torch.no_grad():
        yours = output(build(parts.GPT, CONFIG, "gpt", tensors), ids).double()
        reference = build(lambda config: ReferenceGPT(config, RIGHT), CONFIG, "gpt", tensors)
        right = output(reference, ids).double()
    return float((yours - right).abs().max() / right.std())


def learn_by_heart(parts: Any, seen: Graduation) -> Graduation:
    """Train a small model of the learner's parts on a passage, and let it write."""
    from nextword.data import read_corpus

    passage = read_corpus(("story",)).documents[0][:PASSAGE_CHARACTERS]
    ids = torch.tensor(parts.encode(passage))
    vocabulary, own_ids = ids.unique(return_inverse=True)  # only the passage's tokens: a vocabulary of some hundreds
    config = GPTConfig(len(vocabulary), WINDOW, n_embd=96, n_head=4, n_layer=3, dropout=0.0)
    torch.manual_seed(1)
    model = initialised(parts.GPT, parts.init_weights)(config)
    x, y = parts.windows(own_ids, WINDOW, STRIDE)
    rows = [batch for epoch in range(EPOCHS) for batch in parts.batches(x, y, BATCH_SIZE, epoch)]
    optimizer = torch.optim.AdamW(parts.parameter_groups(model, 0.1), lr=PEAK, betas=(0.9, 0.95))
    losses = parts.train(model, optimizer, rows, len(rows), len(rows) // 20, PEAK)
    prompt = own_ids[None, :PROMPT_TOKENS]
    written = parts.generate(model, prompt, NEW_TOKENS, greedily, WINDOW)[0]
    target = own_ids[: len(written)]
    recalled = (written == target)[PROMPT_TOKENS:].double().mean()
    return Graduation(
        **{
            **asdict(seen),
            "first_loss": float(losses[0]),
            "last_loss": float(losses[-1]),
            "steps": len(rows),
            "prompt": parts.decode(vocabulary[written[:PROMPT_TOKENS]].tolist()),
            "written": parts.decode(vocabulary[written[PROMPT_TOKENS:]].tolist()),
            "recalled": float(recalled),
        }
    )


def greedily(logits: Tensor) -> Tensor:
    """The likeliest token of each row: (B, V) -> (B,)."""
    return logits.argmax(-1)


def main(folder: str, result: str) -> None:
    """Graduate the learner whose folder this is."""
    torch.set_num_threads(1)
    parts = LearnersParts(folder, being_checked="")
    seen = graduate(parts, lambda text: print(text, flush=True))
    with replacing(Path(result)) as beside:
        beside.write_text(json.dumps({**asdict(seen), "notes": parts.notes}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
