"""Pictures of training."""

import copy
import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from nextword.curves import Circumstances, band_edges, first_loss
from nextword.curves.expected import frequencies
from nextword.model import GPT, GPTConfig
from nextword.train.optimizer import parameter_groups
from nextword.train.plain import learning_rate, load_state, save_state, train
from nextword.train.schedule import SCHEDULES
from nextword.train.schedule import learning_rate as scheduled

from . import tiny
from .drawing import Ink, arrow, canvas, sheet

RECIPES = Path(__file__).parents[2] / "benchmarks" / "recipes.jsonl"
ADAMW, MUON = "--optimizer adamw --lr 2e-3 --warmup 50 --seed", "--optimizer muon --lr 1.6e-2 --seed"


def surprise(ink: Ink) -> Figure:
    """The loss of one token by the probability that it was given."""
    figure, (ax,) = sheet(2.5)
    p = torch.logspace(-5, 0, 300)
    ax.plot(p.tolist(), (-p.log()).tolist(), color=ink.blue)
    for chance, said in ((1 / 50257, "1 in 50,257: knows nothing"), (0.01, "1 in 100"), (0.25, "1 in 4")):
        loss = -math.log(chance)
        ax.plot([chance], [loss], "o", color=ink.orange, markersize=5)
        ax.annotate(f"{said}\n{loss:.2f} nats", (chance, loss), (8, 4), textcoords="offset points", fontsize=8.5)
    ax.set(xscale="log", xlim=(9e-6, 1.3), ylim=(0, 12.6), xlabel="probability of the token that came", ylabel="loss")
    ax.set_xticks([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1], ["0.00001", "0.0001", "0.001", "0.01", "0.1", "1"])
    ax.minorticks_off()
    return figure


def perplexity(ink: Ink) -> Figure:
    """The exponential bends: the mean of two perplexities is not that of the mean loss."""
    figure, (ax,) = sheet(2.6)
    losses = torch.linspace(1.2, 5.4, 200)
    ax.plot(losses.tolist(), losses.exp().tolist(), color=ink.blue)
    low, high = 2.0, 5.0
    middle = (low + high) / 2
    wrong, right = (math.exp(low) + math.exp(high)) / 2, math.exp(middle)
    ax.plot([low, high], [math.exp(low), math.exp(high)], color=ink.muted, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.plot([low, high], [math.exp(low), math.exp(high)], "o", color=ink.blue, markersize=5)
    ax.plot([middle, middle], [0, wrong], color=ink.line, linewidth=0.9)
    for height, said, color in (
        (wrong, "mean of the perplexities", ink.red),
        (right, "perplexity of the mean loss", ink.green),
    ):
        ax.plot([middle], [height], "o", color=color, markersize=6)
        left = color == ink.red
        ax.annotate(f"{said}: {height:.0f}", (middle, height), (-9 if left else 9, 4 if left else -5), va="center",
                    textcoords="offset points", color=color, fontsize=9, ha="right" if left else "left")  # fmt: skip
    ax.text(low, math.exp(low) + 7, f"{math.exp(low):.0f}", ha="center", fontsize=8.5, color=ink.muted)
    ax.text(high - 0.06, math.exp(high) + 1, f"{math.exp(high):.0f}", ha="right", fontsize=8.5, color=ink.muted)
    ax.set(xlim=(1.2, 5.4), ylim=(0, 175), xlabel="loss", ylabel="perplexity = exp(loss)")
    return figure


def groups(ink: Ink) -> Figure:
    """Which parameters of a block decay and which do not."""
    model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=1))
    decaying = {id(p) for p in parameter_groups(model, 0.1)[0]["params"]}
    names = [(name, tuple(p.shape), id(p) in decaying) for name, p in model.named_parameters()]
    figure, ax = canvas(42, 19.5)
    for place, (title, color, kind) in enumerate(
        (("matrices: pulled toward zero", ink.blue, True), ("vectors: left alone", ink.muted, False))
    ):
        x = 0.5 + 21.2 * place
        ax.text(x, 18.4, title, fontsize=9.5, color=color, weight="bold")
        chosen = [(name, shape) for name, shape, decays in names if decays is kind]
        for row, (name, shape) in enumerate(chosen):
            y = 16.0 - 1.62 * row
            ax.add_patch(Rectangle((x, y), 20.0, 1.42, facecolor=ink.soft(color, 0.16), edgecolor="none"))
            ax.text(x + 0.5, y + 0.68, name, va="center", fontsize=8.5, family="DejaVu Sans Mono")
            ax.text(
                x + 19.6, y + 0.68, " × ".join(map(str, shape)), va="center", ha="right", fontsize=8, color=ink.muted
            )
    return figure


def rate(ink: Ink) -> Figure:
    """The learning rate of each of 1,000 updates."""
    figure, (ax,) = sheet(2.4)
    steps, warmup, peak = 1000, 100, 1.0
    ax.plot(range(steps), [learning_rate(step, steps, warmup, peak) for step in range(steps)], color=ink.blue)
    ax.axhline(0.1, color=ink.line, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    ax.axvline(warmup, color=ink.line, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    ax.text(warmup + 12, 0.22, "warm-up ends", fontsize=8.5, color=ink.muted)
    ax.text(560, 0.66, "half a cosine", fontsize=9, color=ink.blue)
    ax.set(xlim=(0, steps), ylim=(0, 1.08), xlabel="update")
    ax.set_yticks([0.1, 0.5, 1.0], ["floor: peak / 10", "peak / 2", "peak"])
    return figure


def schedules(ink: Ink) -> Figure:
    """The four schedules of `nextword train`, over 1,000 updates."""
    figure, (ax,) = sheet(2.4)
    steps, warmup, peak = 1000, 100, 1.0
    colors = {"cosine": ink.blue, "linear": ink.green, "constant": ink.muted, "wsd": ink.red}
    places = {"cosine": (440, 0.8), "linear": (560, 0.3), "constant": (760, 1.03), "wsd": (880, 0.72)}
    for name, color in colors.items():
        given = (steps, warmup, peak, SCHEDULES[name].floor, SCHEDULES[name].fall, name)
        ax.plot(range(steps), [scheduled(step, *given) for step in range(steps)], color=color)
        ax.text(*places[name], name, fontsize=9, color=color)
    ax.set(xlim=(0, steps), ylim=(0, 1.14), xlabel="update")
    ax.set_yticks([0.1, 0.5, 1.0], ["floor: peak / 10", "peak / 2", "peak"])
    return figure


def clipping(ink: Ink) -> Figure:
    """A long gradient is shortened as a whole; shortened number by number it would point elsewhere."""
    figure, axes = sheet(2.7, 1, 2)
    gradients = ((0.5, 0.35), (2.4, 0.7), (-0.7, 1.7))
    for ax, title in zip(axes, ("by its length: the direction stays", "number by number: it turns"), strict=True):
        right = ax is axes[0]
        bound = Circle((0, 0), 1, fill=False, edgecolor=ink.muted, linewidth=1.0, linestyle=(0, (4, 3)))
        square = Rectangle((-1, -1), 2, 2, fill=False, edgecolor=ink.muted, linewidth=1.0, linestyle=(0, (4, 3)))
        ax.add_patch(bound if right else square)
        for x, y in gradients:
            length = math.hypot(x, y)
            scale = min(1.0, 1.0 / length)
            end = (x * scale, y * scale) if right else (max(-1, min(1, x)), max(-1, min(1, y)))
            arrow(ax, ink, (0, 0), (x, y), ink.soft(ink.muted, 0.6), linewidth=1.6)  # type: ignore[arg-type]
            arrow(ax, ink, (0, 0), end, ink.green if right else ink.red, linewidth=2.0, mutation_scale=11)
        ax.set(xlim=(-1.5, 2.6), ylim=(-1.1, 1.9), aspect="equal")
        ax.axis("off")
        ax.set_title(title, fontsize=9.5)
    return figure


def weighted(ink: Ink) -> Figure:
    """Each batch's loss, as wide as it has tokens; a short last batch must not count like the others."""
    figure, (ax,) = sheet(2.4)
    sizes, losses = (512, 512, 512, 60), (3.1, 3.4, 3.0, 5.6)
    mean = sum(size * loss for size, loss in zip(sizes, losses, strict=True)) / sum(sizes)
    start = 0
    for size, loss in zip(sizes, losses, strict=True):
        ax.bar(start, loss, width=size - 8, align="edge", color=ink.soft(ink.blue, 0.45))
        ax.text(start + size / 2, loss / 2, f"{loss}", ha="center", fontsize=9)
        ax.text(start + size / 2, -0.28, f"{size}", ha="center", va="top", fontsize=8.5, color=ink.muted)
        start += size
    ax.text(start + 40, -0.28, "tokens", va="top", fontsize=8.5, color=ink.muted)
    plain = sum(losses) / len(losses)
    for height, said, color in ((mean, "over all tokens", ink.green), (plain, "over batches", ink.red)):
        ax.plot([0, start + 20], [height, height], color=color, linewidth=1.4)
        ax.text(start + 40, height, f"{height:.2f}  {said}", va="center", fontsize=8.5, color=color)
    ax.set(xlim=(0, start + 420), ylim=(0, 6.3), xticks=[], yticks=[])
    ax.spines[["left", "bottom"]].set_visible(False)
    return figure


@cache
def _learned() -> list[float]:
    with torch.random.fork_rng():
        model, optimizer = tiny.fresh(replace(tiny.BYTES, dropout=0.0))
        return train(model, optimizer, tiny.story_batches(300), 300, 40, 1e-2)


def learning(ink: Ink) -> Figure:
    """The loss of a tiny model that reads the bundled story byte by byte."""
    losses = _learned()
    figure, (ax,) = sheet(2.5)
    ax.axhline(math.log(256), color=ink.line, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.text(
        296, math.log(256) - 0.12, "ln 256 = 5.55: knows nothing", fontsize=8.5, color=ink.muted, ha="right", va="top"
    )
    ax.plot(range(300), losses, color=ink.blue, linewidth=1.5)
    ax.annotate(f"{sum(losses[-10:]) / 10:.2f}", (299, losses[-1]), (-6, 9), textcoords="offset points", fontsize=9,
                color=ink.blue, ha="right")  # fmt: skip
    ax.set(xlim=(0, 300), ylim=(0, 6), xlabel="update", ylabel="loss")
    return figure


@cache
def _resumed() -> dict[str, list[float]]:
    """The losses of a run that goes through, and of three that stop in the middle and are taken up again."""
    steps, half = 80, 40
    given = tiny.story_batches(steps)
    curves = {}
    with torch.random.fork_rng():
        model, optimizer = tiny.fresh(tiny.BYTES)
        train(model, optimizer, given[:half], steps, 10, 4e-3)
        state = save_state(model, optimizer, half)
        curves["through"] = train(model, optimizer, given[half:], steps, 10, 4e-3, start=half)
        for name in ("complete", "weights only", "rate from the start"):
            model, optimizer = tiny.fresh(tiny.BYTES, seed=9)
            start = load_state(copy.deepcopy(state), model, optimizer)
            if name == "weights only":
                model, optimizer = tiny.fresh(tiny.BYTES, seed=9)
                model.load_state_dict(state["model"])
            if name == "rate from the start":
                curves[name] = train(model, optimizer, given[half:], steps, 10, 4e-3)
            else:
                curves[name] = train(model, optimizer, given[half:], steps, 10, 4e-3, start=start)
    return curves


def resuming(ink: Ink) -> Figure:
    """How far a resumed run's loss is from that of the run that never stopped."""
    curves = _resumed()
    figure, (ax,) = sheet(2.6)
    ax.axhline(0, color=ink.line, linewidth=0.8)
    for name, said, color in (
        ("rate from the start", "the rate from its start", ink.orange),
        ("weights only", "weights only", ink.red),
        ("complete", "everything", ink.green),
    ):
        differences = [a - b for a, b in zip(curves[name], curves["through"], strict=False)]
        largest = max(map(abs, differences))
        ax.plot(range(40, 40 + len(differences)), differences, color=color, linewidth=1.6,
                label=f"{said} ({largest:.2g})")  # fmt: skip
    ax.legend(fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, handlelength=1.3, columnspacing=1.4)
    ax.set(xlim=(40, 80), xlabel="update", ylabel="difference in loss")
    return figure


def normal(ink: Ink) -> Figure:
    """What losses are to be expected: the band for two published runs, and where they ended."""
    figure, axes = sheet(2.9, 1, 2)
    shakespeare = Circumstances(10_650_000, 65, 64 * 256, 1_003_854, 1.0, 3.31, warmup=100)
    fineweb = Circumstances(124_475_904, 50_257, 524_288, warmup=700)
    for ax, run, end, loss, title in (
        (axes[0], shakespeare, 5_000, 1.47, "Shakespeare, characters, 10.7M"),
        (axes[1], fineweb, 18_865, 3.28, "FineWeb, GPT-2's tokens, 124M"),
    ):
        steps, low, high = zip(*band_edges(run, end), strict=True)
        steps = [max(1, step) for step in steps]
        ax.fill_between(steps, low, high, color=ink.blue, alpha=0.2, linewidth=0)
        for level, said in ((first_loss(run), "ln V"), (frequencies(run), "frequencies only")):
            ax.axhline(level, color=ink.muted, linewidth=0.9, linestyle=(0, (4, 3)))
            ax.text(1.15, level, said, va="bottom", fontsize=8.5, color=ink.muted)
        ax.plot([end], [loss], "o", color=ink.orange, markersize=5, clip_on=False)
        ax.annotate(f"{loss}", (end, loss), (-6, -11), textcoords="offset points", fontsize=8.5, ha="right")
        ax.set(xscale="log", xlim=(1, end), ylim=(0, 1.25 * first_loss(run)), xlabel="updates", title=title)
        ax.title.set_fontsize(9.5)
    axes[0].set_ylabel("loss (nats a token)")
    return figure


def recipes(ink: Ink) -> Figure:
    """Validation losses of AdamW and Muon by the tokens that they were given, each run with its own schedule."""
    rows = [json.loads(line) for line in RECIPES.read_text(encoding="utf-8").splitlines()]
    figure, (ax,) = sheet(2.8)
    for optimizer, color, flags in (("AdamW", ink.orange, ADAMW), ("Muon", ink.blue, MUON)):
        runs = [
            row for row in rows if "kjv" in row["flags"] and "--params 3M" in row["flags"] and flags in row["flags"]
        ]
        by_tokens: dict[int, list[float]] = {}
        for row in runs:
            by_tokens.setdefault(row["tokens"], []).append(row["losses"]["last"])
        places = sorted(by_tokens)
        means = [sum(by_tokens[place]) / len(by_tokens[place]) for place in places]
        ax.plot([place / 1000 for place in places], means, "-", color=color, linewidth=1.5)
        for place in places:
            ax.plot([place / 1000] * len(by_tokens[place]), by_tokens[place], "o", color=color, markersize=4)
        ax.annotate(
            optimizer, (places[-1] / 1000, means[-1]), (8, 8), textcoords="offset points", color=color, va="center"
        )
        if optimizer == "Muon":
            ax.axhline(means[0], color=color, linewidth=0.8, linestyle=(0, (4, 3)))
    ax.set(xlabel="tokens, in thousands", ylabel="validation loss", xlim=(450, 1150), ylim=(4.2, 4.85))
    return figure
