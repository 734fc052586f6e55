"""Pictures of loading weights."""

import math
from functools import cache
from types import ModuleType

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from nextword.model import GPT, GPTConfig, plain
from nextword.weights.names import TABLE

from .drawing import Ink, arrow, canvas, sheet


def conv1d(ink: Ink) -> Figure:
    """c_fc fits one way only; c_proj of attention is square and fits either way."""
    figure, ax = canvas(42, 16.4)
    unit = 0.95

    def matrix(x: float, y: float, rows: int, columns: int, title: str, flipped: bool, color: str) -> None:
        for row in range(rows):
            for column in range(columns):
                number = column * rows + row if flipped else row * columns + column
                share = 0.12 + 0.6 * number / (rows * columns - 1)
                ax.add_patch(Rectangle((x + column * unit, y - row * unit), unit * 0.93, unit * 0.93,
                                       facecolor=ink.soft(color, share)))  # fmt: skip
        ax.text(x, y + 1.7, title, fontsize=8.5)

    matrix(1.0, 11.6, 3, 12, "c_fc in the file: (in, out) = (C, 4 C)", False, ink.blue)
    arrow(ax, ink, (13.2, 10.9), (17.2, 10.9))
    ax.text(15.2, 11.6, "W.T", ha="center", fontsize=9.5)
    matrix(18.3, 13.2, 12, 3, "nn.Linear: (out, in)", True, ink.blue)
    ax.text(
        22.4, 8.4, "Forget the .T here,\nand the shapes\nwill tell you.", fontsize=8.5, color=ink.green, va="center"
    )
    matrix(32.0, 11.6, 3, 3, "attn.c_proj: (C, C)", False, ink.orange)
    arrow(ax, ink, (35.4, 10.6), (37.6, 10.6))
    matrix(38.1, 11.6, 3, 3, "", True, ink.orange)
    ax.text(36.5, 6.6, "Forget it here,\nand nothing will.", fontsize=8.5, color=ink.red, va="center", ha="center")
    ax.text(1.0, 6.2, "file:  y = x W + b", fontsize=9, color=ink.muted)
    ax.text(1.0, 4.5, "Linear:  y = x Wᵀ + b", fontsize=9, color=ink.muted)
    return figure


def names(ink: Ink) -> Figure:
    """What a block's parameters are called, and which of them are stored the other way round."""
    rows = TABLE
    figure, ax = canvas(42, 1.62 * len(rows) + 2.6)
    top = 1.62 * len(rows) + 0.6
    for x, title in ((0.6, "nextword, Hugging Face"), (20.2, "OpenAI"), (36.0, "shape")):
        ax.text(x, top + 0.9, title, fontsize=9, color=ink.muted)
    for number, row in enumerate(rows):
        y = top - 1.62 * (number + 1)
        color = ink.orange if row.in_out else ink.muted
        share = 0.18 if row.in_out else 0.07
        ax.add_patch(Rectangle((0.2, y), 41.6, 1.45, facecolor=ink.soft(color, share), edgecolor="none"))
        for x, text in ((0.6, row.ours), (20.2, row.openai), (36.0, row.sizes.replace(" ", " × "))):
            shown = text.replace("{layer}", "0")
            ax.text(x, y + 0.7, shown, fontsize=7.6, family="DejaVu Sans Mono", va="center")
        if row.in_out:
            ax.text(41.4, y + 0.7, ".T", fontsize=8, color=ink.orange, va="center", ha="right", weight="bold")
    return figure


@cache
def _differences() -> dict[str, float]:
    """How much each slip changes the logits of a small model whose blocks have weights of a trained one's size."""
    config = GPTConfig(n_vocab=200, n_ctx=32, n_embd=96, n_head=4, n_layer=6, dropout=0.0)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(200, (2, 32), generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT(config, ops=plain)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2 and name.startswith("h."):
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / math.sqrt(parameter.size(1)))
    model.eval()

    def logits(ops: ModuleType = plain, **changed: object) -> Tensor:
        other = GPT(config, ops=_altered(ops, **changed)).eval()
        other.load_state_dict(model.state_dict())
        with torch.no_grad():
            return other(ids)

    with torch.no_grad():
        exact = GPT(config, ops=plain).double().eval()
        exact.load_state_dict(model.state_dict())
        right = exact(ids)
        flipped = GPT(config, ops=plain).eval()
        flipped.load_state_dict(model.state_dict())
        for block in flipped.h:
            block.attn.c_proj.weight.copy_(block.attn.c_proj.weight.T.clone())
        turned = flipped(ids)

    def erf(x: Tensor) -> Tensor:
        return torch.nn.functional.gelu(x)

    def unbiased(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
        return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True) + eps) * weight + bias

    found = {
        "right, in float32": logits(),
        "GELU by the error function": logits(gelu=erf),
        "LayerNorm with C − 1": logits(layer_norm=unbiased),
        "c_proj not transposed": turned,
    }
    return {name: float((value - right).abs().max() / right.abs().max()) for name, value in found.items()}


def _altered(ops: ModuleType, **changed: object) -> ModuleType:
    module = ModuleType("altered")
    module.__dict__.update(vars(ops) | changed)
    return module


def verify(ink: Ink) -> Figure:
    """How far the logits are off for rounding and for three slips, on a logarithmic scale."""
    found = _differences()
    figure, (ax,) = sheet(2.1)
    colors = [ink.green, ink.orange, ink.orange, ink.red]
    ax.barh(range(4), list(found.values()), left=1e-8, color=[ink.soft(color, 0.6) for color in colors], height=0.66)
    for row, value in enumerate(found.values()):
        ax.text(value * 1.3, row, f"{value:.1g}", va="center", fontsize=9)
    ax.axvline(1e-4, color=ink.muted, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.set(
        xscale="log",
        xlim=(1e-8, 30),
        ylim=(3.6, -0.6),
        xlabel="largest difference of a logit, as a share of the largest logit",
    )
    ax.set_yticks(range(4), list(found), fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.minorticks_off()
    return figure
