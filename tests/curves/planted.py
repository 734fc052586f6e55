"""Train small models with known mistakes, and keep their losses as test data.

    python tests/curves/planted.py TEXT [--seed N] [--out FILE]

TEXT is Shakespeare's plays, as `nextword train --data shakespeare` fetches them. It takes some ten minutes of
processor time; planted.json is what it wrote with the seed 1, and held_out.json with another seed, size and rate.
"""

import argparse
import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nextword.config import GPTConfig
from nextword.data import read_corpus
from nextword.learn.fixtures.network import ReferenceGPT
from nextword.model import GPT
from nextword.tokenizer import Tokenizer

WINDOW, BATCH = 64, 8


@dataclass(frozen=True)
class Text:
    """Ids to learn from and to validate on, with what is known of them."""

    train: Tensor
    val: Tensor
    n_vocab: int
    bytes_per_token: float


@dataclass(frozen=True)
class Recipe:
    """How a small model is trained, right unless a field says otherwise.

    on: mistakes of the network, which is then the slow one that has them. targets: "next", or what stands in its
    place. loss: what is made of it.
    """

    text: str = "chars"
    on: tuple[str, ...] = ()
    targets: str = "next"
    loss: str = "mean"
    steps: int = 500
    lr: float = 3e-3
    warmup: int = 20
    std: float = 0.02
    dropout: float = 0.0
    clip: float = 1.0
    zero_grad: bool = True
    moves: bool = True
    same_batch: bool = False
    validates_on: str = "val"
    starts_from: str | None = None
    stops_at: int | None = None


GOOD = Recipe()
RECIPES: dict[str, tuple[str, Recipe]] = {
    # name -> (what is to be said, how it was trained)
    "chars": ("normal", GOOD),
    "tokens": ("normal", Recipe(text="tokens")),
    "bytes-of-code": ("normal", Recipe(text="bytes")),
    "dropout-0.2": ("normal", Recipe(dropout=0.2)),
    "low-rate-and-long": ("normal", Recipe(lr=1e-3, steps=600)),
    "by-heart": ("by heart", Recipe(text="short", lr=1e-2)),
    "fine-tuned": ("fine-tuned", Recipe(text="other", lr=3e-4, steps=200, starts_from="chars")),
    "stopped-early": ("too short", Recipe(stops_at=15)),
    "targets-unshifted": ("leak", Recipe(targets="same")),
    "mask-missing": ("leak", Recipe(on=("mask-missing",), lr=1e-2, steps=1500)),
    "x-and-y-exchanged": ("leak", Recipe(targets="exchanged")),
    "rate-times-100": ("rate too high", Recipe(lr=0.3, clip=1e9, warmup=0)),
    "rate-by-100": ("learns too slowly", Recipe(lr=3e-5)),
    "deviation-one": ("starts too high", Recipe(std=1.0, steps=300)),
    "loss-sum": ("starts too high", Recipe(loss="sum", steps=300)),
    "bits": ("bits", Recipe(loss="bits", steps=300)),
    "softmax-applied": ("stays at the start", Recipe(loss="softmax", steps=300)),
    "step-missing": ("stays at the start", Recipe(moves=False, steps=200)),
    "targets-shuffled": ("frequencies only", Recipe(targets="shuffled")),
    "batch-time-swapped": ("frequencies only", Recipe(targets="swapped")),
    "same-batch": ("gap too soon", Recipe(same_batch=True)),
    "validated-on-training": ("validation known", Recipe(text="short", validates_on="train", lr=1e-2)),
    "validated-on-other-files": ("gap too soon", Recipe(text="files")),
    "dropout-0.9": ("frequencies only", Recipe(dropout=0.9)),
    "not-a-number": ("not finite", Recipe(loss="nan", steps=350)),
    "zero-missing": ("rate too high", Recipe(zero_grad=False, clip=1e9)),
    "two-ahead": ("learns too slowly", Recipe(targets="two-ahead")),
}


def texts(plays: Path, seed: int) -> dict[str, Text]:
    """Read the texts: characters, GPT-2's tokens, bytes of Python code, a short one, and another part of the plays."""
    whole = plays.read_text(encoding="utf-8")
    characters = sorted(set(whole))
    index = {one: place for place, one in enumerate(characters)}

    def chars(part: str) -> Text:
        ids = torch.tensor([index[one] for one in part])
        return cut(ids, len(characters), 1.0)

    tokens = torch.tensor(Tokenizer().encode(whole[:200_000]))
    used, tokens = torch.unique(tokens, return_inverse=True)
    files = [path.read_bytes() for path in sorted(Path(json.__file__).parent.parent.glob("*.py"))[:30]]
    code = b"".join(files)
    pieces = [code[at : at + 2_000] for at in range(0, 500_000, 2_000)]
    random.Random(1).shuffle(pieces)
    story = read_corpus("story").documents[0]
    known = "".join(one for one in story if one in index)
    begin = 20_000 * seed
    return {
        "chars": chars(whole[:900_000]),
        "tokens": cut(tokens, len(used), 200_000 / len(tokens)),
        "bytes": cut(torch.tensor(list(b"".join(pieces))), 256, 1.0),
        "files": cut(torch.tensor(list(code[:500_000])), 256, 1.0),
        "short": chars(whole[begin : begin + 2_000]),
        "other": chars(known),
    }


def cut(ids: Tensor, n_vocab: int, bytes_per_token: float) -> Text:
    """Set the last tenth aside."""
    n_val = len(ids) // 10
    return Text(ids[:-n_val], ids[-n_val:], n_vocab, bytes_per_token)


def batches(text: Text, recipe: Recipe, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw batches: ids and targets (B, T), or what a mistake takes for them."""
    first: tuple[Tensor, Tensor] | None = None
    while True:
        starts = torch.randint(len(text.train) - WINDOW - 2, (BATCH,), generator=generator)
        pair = pairs(text.train, starts, recipe, generator)
        first = first or pair
        yield first if recipe.same_batch else pair


def pairs(ids: Tensor, starts: Tensor, recipe: Recipe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cut windows at these starts, with the targets of the recipe."""
    rows = torch.stack([ids[start : start + WINDOW + 2] for start in starts])
    x, y = rows[:, :WINDOW], rows[:, 1 : WINDOW + 1]
    match recipe.targets:
        case "same":
            return x, x
        case "exchanged":
            return y, x
        case "two-ahead":
            return x, rows[:, 2 : WINDOW + 2]
        case "shuffled":
            return x, y[torch.randperm(len(y), generator=generator)]
        case "swapped":
            return x, y.T.reshape(y.shape)
    return x, y


def loss_of(model: GPT | ReferenceGPT, x: Tensor, y: Tensor, recipe: Recipe, step: int) -> Tensor:
    """Compute the loss (), as the recipe has it."""
    logits = model(x).flatten(0, 1)
    if recipe.loss == "softmax":
        logits = logits.softmax(-1)
    loss = F.cross_entropy(logits, y.flatten(), reduction="sum" if recipe.loss == "sum" else "mean")
    if recipe.loss == "bits":
        loss = loss / math.log(2)
    return loss * math.nan if recipe.loss == "nan" and step >= 300 else loss


def train(recipe: Recipe, text: Text, config: GPTConfig, seed: int, start: Any = None) -> dict[str, Any]:
    """Train, and return the points of the log: step, training loss, validation loss (None: not measured)."""
    torch.manual_seed(seed)
    shape = replace(config, n_vocab=text.n_vocab, dropout=recipe.dropout)
    model = ReferenceGPT(shape, frozenset(recipe.on)) if recipe.on else GPT(shape)
    for name, parameter in model.named_parameters():
        if "ln_" not in name:
            torch.nn.init.zeros_(parameter) if "bias" in name else torch.nn.init.normal_(parameter, std=recipe.std)
    if start is not None:
        model.load_state_dict(start)
    optimizer = torch.optim.AdamW(model.parameters(), recipe.lr, (0.9, 0.95), weight_decay=0.1)
    generator = torch.Generator().manual_seed(seed)
    held = text.train if recipe.validates_on == "train" else text.val
    starts = torch.linspace(0, len(held) - WINDOW - 2, 32).long()
    points: list[tuple[int, float | None, float | None]] = []
    for step, (x, y) in enumerate(batches(text, recipe, generator)):
        val = None
        if step % 50 == 0 or step == recipe.steps:
            model.eval()
            with torch.no_grad():
                fixed = torch.Generator().manual_seed(0)
                val = loss_of(model, *pairs(held, starts, recipe, fixed), recipe, step).item()
                val /= 4 if recipe.loss == "sum" else 1  # of 32 windows, not 8
            model.train()
        if step == recipe.steps or step == recipe.stops_at:
            points.append((step, None, val))
            break
        rate = recipe.lr * min(1.0, (step + 1) / max(1, recipe.warmup))
        rate *= 0.55 + 0.45 * math.cos(math.pi * step / recipe.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(model, x, y, recipe, step)
        if recipe.zero_grad:
            optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        if recipe.moves and loss.isfinite():
            optimizer.step()
        if step < 10 or step % 10 == 0 or val is not None:
            points.append((step, loss.item(), val))
    return {"points": [[step, rounded(train), rounded(val)] for step, train, val in points], "model": model}


def rounded(loss: float | None) -> float | None:
    """Keep four digits, as logs do; NaN stays."""
    return None if loss is None else float(f"{loss:.4g}")


def main() -> None:
    """Train all of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("text", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1.0, help="times the recipes' rates")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("planted.json"))
    parser.add_argument("--only", nargs="*", help="train these anew, and keep the others")
    args = parser.parse_args()
    config = GPTConfig(n_ctx=WINDOW, n_embd=args.width, n_head=args.width // 32, n_layer=2, dropout=0.0)
    there = texts(args.text, args.seed)
    trained: dict[str, Any] = {}
    found: dict[str, Any] = json.loads(args.out.read_text()) if args.only else {}
    for name, (kind, recipe) in RECIPES.items():
        if args.only and name not in args.only:
            continue
        text = there[recipe.text]
        start = trained.get(recipe.starts_from or "")
        made = train(replace(recipe, lr=recipe.lr * args.lr), text, config, args.seed, start)
        trained[name] = made["model"].state_dict()
        points = made["points"]
        found[name] = {
            "kind": kind,
            "n_params": sum(p.numel() for p in made["model"].parameters()),
            "n_vocab": text.n_vocab,
            "tokens_per_step": WINDOW * BATCH,
            "train_tokens": len(text.train),
            "bytes_per_token": round(text.bytes_per_token, 4),
            "frequencies": frequencies(text),
            "fine_tuned": start is not None,
            "steps": recipe.steps,
            "warmup": recipe.warmup,
            "points": points,
        }
        print(name, kind, points[0], [p[2] for p in points if p[2] is not None][::3], points[-2], flush=True)
        lines = (f" {json.dumps(name)}: {json.dumps(log, separators=(',', ':'))}" for name, log in found.items())
        args.out.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def frequencies(text: Text) -> float:
    """The entropy of the training text's tokens, in nats."""
    p = torch.bincount(text.train).double() / len(text.train)
    return round(-(p[p > 0] * p[p > 0].log()).sum().item(), 4)


if __name__ == "__main__":
    main()
