"""Pictures of what goes beyond: merges, the cache, LoRA, the logit lens, loss scaling, pair counts, Muon, ranks."""

from collections import Counter
from importlib import resources
from itertools import pairwise

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nextword.lens.plain import logit_lens
from nextword.model.plain import cross_entropy, softmax
from nextword.tokenizer import bpe, incremental
from nextword.tokenizer.vocab import load_ids, load_merges
from nextword.train.plain import orthogonal

from . import tiny
from .drawing import Ink, arrow, canvas, cells, sheet


def merges(ink: Ink) -> Figure:
    """The merges that make tokens of a word's bytes, one row after the other."""
    ranks, ids = load_merges(), load_ids()
    tokens = [bytes([byte]) for byte in b" unlearning"]
    rows = [tokens]
    joined: list[tuple[bytes, bytes]] = []
    while True:
        pairs = [pair for pair in pairwise(tokens) if pair in ranks]
        if not pairs:
            break
        best = min(pairs, key=ranks.__getitem__)
        tokens = bpe.join(tokens, best)
        joined.append(best)
        rows.append(tokens)
    wide, high = 2.35, 2.0
    figure, ax = canvas(42, high * (len(rows) + 1) + 0.2)
    for number, row in enumerate(rows):
        x, y = 0.4, high * (len(rows) - number) + 0.2
        for token in row:
            new = number > 0 and token == b"".join(joined[number - 1])
            width = wide * len(token)
            color = ink.orange if new else ink.blue
            ax.add_patch(Rectangle((x + 0.06, y), width - 0.12, 1.6, facecolor=ink.soft(color, 0.3 if new else 0.15),
                                   edgecolor=color if new else ink.line, linewidth=1.0))  # fmt: skip
            ax.text(x + width / 2, y + 0.78, token.decode().replace(" ", "␣"), ha="center", va="center", fontsize=9,
                    family="DejaVu Sans Mono")  # fmt: skip
            x += width
        if number == 0:
            said = "bytes"
        else:
            left, right = (part.decode().replace(" ", "␣") for part in joined[number - 1])
            said = f"merge {ranks[joined[number - 1]]:,}: {left} + {right}"
        ax.text(27.4, y + 0.78, said, va="center", fontsize=8.5, color=ink.muted)
    x = 0.4
    for token in tokens:
        ax.text(x + wide * len(token) / 2, 1.0, str(ids[token]), ha="center", va="center", fontsize=9)
        x += wide * len(token)
    ax.text(27.4, 1.0, "ids", va="center", fontsize=8.5, color=ink.muted)
    return figure


def kv_cache(ink: Ink) -> Figure:
    """Which products of queries and keys are computed, with and without a cache, and what that adds up to."""
    figure, axes = sheet(2.5, 1, 3, width_ratios=(1, 1, 1.5))
    n, prompt = 8, 3
    for ax, title, cached in ((axes[0], "without", False), (axes[1], "with a cache", True)):
        counts = [[0.0] * n for _ in range(n)]
        texts = [[""] * n for _ in range(n)]
        for query in range(n):
            for key in range(query + 1):
                times = 1 if cached else n - max(query, prompt - 1)
                counts[query][key] = times
                texts[query][key] = str(times)
        cells(ax, ink, counts, texts, ink.ramp, (0, 8.5), 7)
        ax.set(aspect="equal", xticks=[], yticks=[])
        ax.set_title(title, fontsize=9.5)
        ax.set_xlabel("keys", fontsize=8.5)
    axes[0].set_ylabel("queries", fontsize=8.5)
    lengths = range(1, 1025)
    axes[2].plot(lengths, [t * (t + 1) / 2 / 1e3 for t in lengths], color=ink.orange)
    axes[2].plot(lengths, [t / 1e3 for t in lengths], color=ink.green)
    axes[2].text(600, 330, "without", color=ink.orange, fontsize=9, ha="right")
    axes[2].text(600, 22, "with", color=ink.green, fontsize=9, ha="right")
    axes[2].set(xlim=(0, 1024), ylim=(0, 530), xlabel="tokens written", xticks=[0, 512, 1024])
    axes[2].set_title("tokens read, in thousands", fontsize=9.5)
    return figure


def lora(ink: Ink) -> Figure:
    """A frozen square and beside it two thin matrices, drawn to scale for C = 768 and r = 32."""
    figure, ax = canvas(42, 17.2)
    side, rank = 13.0, 13.0 * 32 / 768
    y = 2.6

    def matrix(x: float, bottom: float, width: float, height: float, color: str) -> None:
        ax.add_patch(
            Rectangle((x, bottom), width, height, facecolor=ink.soft(color, 0.3), edgecolor=color, linewidth=1)
        )

    matrix(1.0, y, side, side, ink.muted)
    ax.text(1.0 + side / 2, y + side / 2, "W\n768 × 768\n589,824 numbers\nfrozen", ha="center", va="center", fontsize=9)
    ax.text(16.6, y + side / 2, "+", ha="center", va="center", fontsize=16)
    matrix(19.0, y, rank, side, ink.orange)
    ax.text(19.0 + rank / 2, y - 1.2, "B: 768 × 32", ha="center", fontsize=8.5, color=ink.orange)
    matrix(21.2, y + side - rank, side, rank, ink.green)
    ax.text(21.2 + side / 2, y + side + 0.6, "A: 32 × 768", ha="center", fontsize=8.5, color=ink.green)
    ax.text(28.4, y + side / 2 + 0.4, "B A is as large as W,\nbut only 49,152 numbers\nare learned: 8%", va="center",
            ha="center", fontsize=9)  # fmt: skip
    ax.text(28.4, y + 2.2, "B begins at 0,\nso at first nothing changes", va="center", ha="center", fontsize=8.5,
            color=ink.muted)  # fmt: skip
    return figure


def lens(ink: Ink) -> Figure:
    """What a small model would say after each of its layers."""
    model = tiny.reader()
    text = tiny.sentence("cow", "grass")[:-1]
    ids = torch.tensor([[tiny.WORDS.index(word) for word in text]])
    chances = softmax(logit_lens(model, ids)[:, 0])  # (n_layer + 1, T, V)
    best = chances.max(-1)
    shown = slice(1, None)
    values = best.values[:, shown].flip(0).tolist()
    texts = [[tiny.WORDS[id] for id in row[shown]] for row in best.indices.flip(0).tolist()]
    figure, (ax,) = sheet(2.6)
    cells(ax, ink, values, texts, ink.ramp, (0.0, 1.15), 8.5)
    layers = model.config.n_layer
    names = [f"after block {layer}" for layer in range(layers, 0, -1)] + ["embeddings"]
    ax.set_yticks(range(layers + 1), names, fontsize=8.5)
    ax.set_xticks(range(len(text) - 1), text[shown], fontsize=8.5)
    ax.set_xlabel("the text; each column: what comes next", fontsize=8.5)
    return figure


def loss_scaling(ink: Ink) -> Figure:
    """The gradients of a row of logits against the numbers that float16 has, with and without a scale."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50257, generator=generator, dtype=torch.float64)  # as at the first step
    gradient = logits.softmax(-1) / 1024  # of all but the target's, in a batch of 1,024 tokens
    figure, ax = canvas(42, 13)
    ax.axis("on")
    ax.set_aspect("auto")
    least, greatest = -25, 16  # half of 2^-24, below which float16 rounds to 0, and 65,504
    ax.set_xlim(-34, 19)
    ax.set_ylim(0, 1.25)
    ax.axvspan(-34, least, color=ink.soft(ink.red, 0.15), linewidth=0)
    ax.axvspan(greatest, 19, color=ink.soft(ink.red, 0.15), linewidth=0)
    for factor, color, said in ((1, ink.orange, "as it is"), (65536, ink.blue, "times 65,536")):
        sizes = (gradient * factor).log2()
        counts = torch.histc(sizes, bins=106, min=-34, max=19)
        ax.fill_between(torch.linspace(-34, 19, 106), counts / counts.max(), step="mid", color=ink.soft(color, 0.5),
                        edgecolor=color, linewidth=1.0)  # fmt: skip
        lost = float((sizes < least).double().mean())
        ax.text(float(sizes.median()), 1.07, f"{said}: {lost:.0%} are 0", ha="center", fontsize=8.5, color=ink.text)
    ax.text(-33.5, 0.85, "float16:\n0", fontsize=8.5, color=ink.muted, va="top")
    ax.text(16.3, 0.85, "inf", fontsize=8.5, color=ink.muted, va="top")
    ax.set_xticks(range(-32, 17, 8), [f"$2^{{{power}}}$" for power in range(-32, 17, 8)], fontsize=8.5, color=ink.muted)
    ax.set_yticks([])
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(ink.line)
    ax.tick_params(colors=ink.muted)
    return figure


def pair_counts(ink: Ink) -> Figure:
    """How many pairs are counted for each merge of the story: all in the text, or those around the joined pair."""
    text = resources.files("nextword.data").joinpath("story.txt").read_text(encoding="utf-8")
    words = {piece: [bytes([byte]) for byte in piece.encode()] for piece in bpe.split(text)}
    spelled = {piece: piece.encode() for piece in words}
    times = Counter(bpe.split(text))
    counts: Counter[tuple[bytes, bytes]] = Counter()
    for piece, word in words.items():
        for pair in pairwise(word):
            counts[pair] += times[piece]
    everywhere, around = [], []
    for merge in incremental.learn_pairs(times, 1000):
        everywhere.append(sum(counts.values()))
        token = b"".join(merge)
        touched = [piece for piece, word in words.items() if token in spelled[piece] and merge in pairwise(word)]
        around.append(sum(2 * len(words[piece]) for piece in touched))
        for piece in touched:
            words[piece] = incremental.recount(counts, words[piece], merge, times[piece])
    figure, ax = canvas(42, 15)
    ax.axis("on")
    ax.set_aspect("auto")
    ax.set_xscale("log")
    ax.set_yscale("log")
    for values, color, said in ((everywhere, ink.blue, "pairs in the text"), (around, ink.orange, "pairs in the words "
                                "that change, each once")):  # fmt: skip
        ax.plot(range(1, 1 + len(values)), values, color=color, linewidth=0.9)
        ax.text(1.1, values[0] * 1.8, said, fontsize=8.5, color=color)
    ax.set_xlim(1, 1000)
    ax.set_ylim(3, max(everywhere) * 5)
    ax.set_xlabel("merge", fontsize=8.5, color=ink.muted)
    for side in ("right", "top"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(ink.line)
    ax.tick_params(colors=ink.muted, labelsize=8.5, which="both")
    return figure


def muon(ink: Ink) -> Figure:
    """The singular values of a gradient as it is, as one step of SGD has it, and as Muon moves along it."""
    model, _ = tiny.fresh(tiny.BYTES)
    ids, targets = tiny.story_batches(1)[0]
    cross_entropy(model(ids), targets).backward()
    gradient = next(p.grad for name, p in model.named_parameters() if name.endswith("mlp.c_fc.weight"))
    assert gradient is not None
    figure, axes = sheet(2.6, 1, 2, width_ratios=(1.5, 1))
    before = torch.linalg.svdvals(gradient)
    after = torch.linalg.svdvals(orthogonal(gradient))
    places = range(1, len(before) + 1)
    axes[0].plot(places, (before / before[0]).tolist(), ".", color=ink.orange, markersize=4)
    axes[0].plot(places, after.tolist(), ".", color=ink.blue, markersize=4)
    axes[0].text(24, 0.28, "of the gradient (its largest: 1)", color=ink.orange, fontsize=8.5, ha="center")
    axes[0].text(24, 1.2, "after five iterations", color=ink.blue, fontsize=8.5, ha="center")
    axes[0].set(ylim=(0, 1.4), xlabel="singular value, the largest first")
    s = torch.logspace(-3, 0, 300)
    shown = s.clone()
    for iteration in range(1, 6):
        shown = 3.4445 * shown - 4.775 * shown**3 + 2.0315 * shown**5
        color = ink.blue if iteration == 5 else ink.soft(ink.blue, 0.2 + 0.12 * iteration)
        axes[1].plot(s.tolist(), shown.tolist(), color=color, linewidth=2.0 if iteration == 5 else 1.0)
    axes[1].plot(s.tolist(), s.tolist(), color=ink.orange, linewidth=1.0)
    axes[1].set(xscale="log", xlim=(1e-3, 1), ylim=(0, 1.4), xlabel="before")
    axes[1].set_title("one to five iterations", fontsize=9.5)
    return figure


def ranks(ink: Ink) -> Figure:
    """A batch's rows on two ranks, their gradients, one mean, and two equal steps."""
    figure, ax = canvas(42, 14)

    def box(x: float, y: float, width: float, said: str, color: str) -> None:
        ax.add_patch(Rectangle((x, y), width, 2.6, facecolor=ink.soft(color, 0.2), edgecolor=color, linewidth=1))
        ax.text(x + width / 2, y + 1.25, said, ha="center", va="center", fontsize=8.5)

    for row in range(8):
        color = ink.blue if row < 4 else ink.green
        ax.add_patch(Rectangle((1.0, 11.9 - 1.25 * row), 5.0, 1.0, facecolor=ink.soft(color, 0.3), linewidth=0))
    ax.text(3.5, 1.4, "a batch of 8 rows", ha="center", fontsize=8.5, color=ink.muted)
    for y, color, rank in ((9.5, ink.blue, 0), (4.5, ink.green, 1)):
        arrow(ax, ink, (6.2, y + 1.3), (8.2, y + 1.3))
        box(8.4, y, 7.4, "weights, rank " + str(rank), color)
        arrow(ax, ink, (16.0, y + 1.3), (18.0, y + 1.3))
        box(18.2, y, 6.2, "its gradient", color)
        arrow(ax, ink, (24.6, y + 1.3), (27.2, 8.6 if rank == 0 else 8.0))
        arrow(ax, ink, (33.0, 8.6 if rank == 0 else 8.0), (35.2, y + 1.3))
        box(35.4, y, 5.8, "same step", color)
    box(27.3, 7.0, 5.6, "mean", ink.orange)
    ax.text(30.1, 5.2, "all_reduce, / 2", ha="center", fontsize=8.5, color=ink.orange)
    ax.text(38.3, 8.1, "equal\nagain", ha="center", va="center", fontsize=8.5, color=ink.muted)
    return figure
