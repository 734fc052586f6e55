"""Pictures of what `nextword.lens` finds."""

from matplotlib.figure import Figure

from nextword.lens import ablate, direct_logit_attribution, trace

from . import tiny
from .drawing import Ink, cells, sheet


def parts(ink: Ink) -> Figure:
    """Where the head looks that finds a word; what each part adds to its score, and its chance without the part."""
    model = tiny.reader()
    text, food = tiny.sentence("cat", "corn")[:-1], tiny.WORDS.index("corn")
    ids = [tiny.WORDS.index(word) for word in text]
    traced = trace(model, ids)
    heads = [(layer, head) for layer in range(model.config.n_layer) for head in range(model.config.n_head)]
    finder = max(heads, key=lambda head: traced.attention(*head).values[-1, text.index("corn")])

    figure, (left, middle, right) = sheet(3.0, 1, 3, width_ratios=[1.75, 1.0, 1.0])
    weights = traced.attention(*finder).values.tolist()
    cells(left, ink, weights, [["" for _ in row] for row in weights], ink.ramp, (0.0, 1.0))
    left.set_xticks(range(len(text)), text, rotation=90, fontsize=8)
    left.set_yticks(range(len(text)), text, fontsize=8)
    left.set_title(f"where head {finder[1]} of block {finder[0]} looks", loc="left")

    added = direct_logit_attribution(model, ids, food)
    values = dict(zip(added.axes[0].labels, added.values.tolist(), strict=True))
    names, direct, without = [], [], []
    for layer in range(model.config.n_layer):
        for head in range(model.config.n_head):
            names.append(f"block {layer}, head {head}")
            direct.append(values[f"h.{layer}.attn head {head}"])
            without.append(ablate(model, ids, heads=[(layer, head)]).logits[0, -1].softmax(-1)[food].item())
        names.append(f"block {layer}, MLP")
        direct.append(values[f"h.{layer}.mlp"])
        without.append(ablate(model, ids, mlps=[layer]).logits[0, -1].softmax(-1)[food].item())
    here = names.index(f"block {finder[0]}, head {finder[1]}")
    colors = [ink.orange if at == here else ink.blue for at in range(len(names))]
    middle.barh(range(len(names)), direct, color=colors, height=0.7)
    middle.set_yticks(range(len(names)), names, fontsize=8)
    middle.axvline(0.0, color=ink.line, linewidth=0.8)
    middle.set_title("adds to the score", loc="left")
    right.barh(range(len(names)), without, color=colors, height=0.7)
    right.set_yticks([])
    right.set_xlim(0.0, 1.0)
    right.set_title("chance without it", loc="left")
    for ax in (middle, right):
        ax.invert_yaxis()
        ax.tick_params(axis="x", labelsize=8)
    return figure
