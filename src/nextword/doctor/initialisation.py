"""Initialisation: the loss before training, and the deviations of the parameters."""

import math
import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nextword.doctor.call import Call, Dropout
from nextword.doctor.findings import Finding, Findings
from nextword.learn.checker.lines import Line, line
from nextword.learn.fixtures.fixture import CONFIG, token_ids
from nextword.weights.matching import MatchingError, match_parameters

LN_V = math.log(CONFIG.n_vocab)

REMEDY = (
    "Draw weights from a normal distribution of 0.02, and those of the two projections of a block that add to x, of "
    "0.02 / sqrt(2 n_layer); biases 0, LayerNorms 1 and 0."
)


def loss_of(module: nn.Module, call: Call, ids: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of a model's logits, computed here."""
    with Dropout(allow=False):
        logits = call(module, ids)
    return F.cross_entropy(logits.reshape(-1, logits.size(-1)).float(), targets.reshape(-1))


def beginning(module: nn.Module, call: Call) -> Findings:
    """The loss before training on random ids against ln V, and the deviations of the parameters."""
    ids, targets = token_ids(16, CONFIG.n_ctx, seed=7), token_ids(16, CONFIG.n_ctx, seed=8)
    module.eval()
    with torch.no_grad():
        loss = float(loss_of(module, call, ids, targets))
    drawn = deviations(module)
    evidence = [line(f"Loss {loss:.3f} on random ids before training; ln V = ln {CONFIG.n_vocab} = {LN_V:.3f}.")]
    if not math.isfinite(loss):
        finding = Finding(
            level="wrong",
            name="loss-not-finite",
            title=f"its loss begins at {loss}",
            evidence=tuple(evidence),
            remedy="Look for a row of attention that may see nothing, or for a division by 0.",
        )
        return Findings.one(finding)
    evidence += drawn_in_words(drawn)
    if loss > LN_V + 1.0:
        finding = Finding(
            level="wrong",
            name="initial-loss",
            title="its loss begins far above ln V: it is surer of itself than it may be",
            evidence=tuple(evidence),
            remedy=REMEDY,
            why="A model that knows nothing should find all tokens equally likely. The first steps are spent on "
            "unlearning, and at GPT-2's width more of them than here. nn.Embedding draws with a deviation of 1, of "
            "which a tied head makes scores.",
        )
        return Findings.one(finding)
    found = Findings([f"its loss begins at {loss:.2f}, near ln V = {LN_V:.2f}"])
    if drawn and all(as_gpt2(name, std) for name, std in drawn.items()):
        found.sound.append("its parameters are drawn as GPT-2's")
    elif drawn:
        finding = Finding(
            level="look",
            name="initialisation",
            title="parameters are not drawn as GPT-2's",
            evidence=tuple(evidence[1:]),
            remedy=REMEDY,
            why="It learns so as well, if more slowly, or less steadily the deeper it is.",
        )
        found.findings.append(finding)
    return found


def deviations(module: nn.Module) -> dict[str, float]:
    """The deviation of each group of matrices, under our names with * for the block."""
    try:
        tensors = match_parameters(module, CONFIG).export()
    except MatchingError:
        return {}
    groups: dict[str, list[Tensor]] = {}
    for name, tensor in tensors.items():
        if tensor.dim() > 1:
            groups.setdefault(re.sub(r"^h\.\d+\.", "h.*.", name), []).append(tensor.detach().double().flatten())
    return {name: float(torch.cat(parts).std()) for name, parts in groups.items()}


def right_deviation(name: str) -> float:
    """GPT-2's own."""
    return 0.02 / math.sqrt(2 * CONFIG.n_layer) if name.endswith("c_proj.weight") else 0.02


def near(found: float, right: float) -> bool:
    """Test whether a deviation is the expected one, within sampling error."""
    return abs(found / right - 1) < 0.25


def as_gpt2(name: str, std: float) -> bool:
    """Whether a group is drawn as GPT-2's; wpe may also be as OpenAI's code has it, 0.01."""
    return near(std, right_deviation(name)) or (name == "wpe.weight" and near(std, 0.01))


def drawn_in_words(drawn: Mapping[str, float]) -> list[Line]:
    """Describe groups of weights drawn alike and unlike GPT-2's, with their likely initialiser."""
    groups: dict[str, list[str]] = {}
    for name, std in drawn.items():
        if not as_gpt2(name, std):
            groups.setdefault(cause_of(name, std), []).append(name)
    lines = []
    for cause, names in groups.items():
        pairs = [f"{name.removeprefix('h.*.').removesuffix('.weight')} {drawn[name]:.3f}" for name in names]
        right = " and ".join(dict.fromkeys(f"{right_deviation(name):.2g}" for name in names))
        lines.append(
            line(f"Deviations: {', '.join(pairs)}, where GPT-2 has {right} here{f': {cause}' if cause else ''}.")
        )
    return lines


def cause_of(name: str, std: float) -> str:
    """Name the initialiser behind a deviation unlike GPT-2's."""
    width = 4 * CONFIG.n_embd if name.endswith("mlp.c_proj.weight") else CONFIG.n_embd
    if near(std, 1.0):
        return "nn.Embedding and torch.randn draw so"
    if near(std, 1 / math.sqrt(3 * width)):
        return "nn.Linear draws so by default; at GPT-2's width that is 0.0208, and 0.0104 for the MLP's c_proj"
    if name.endswith("c_proj.weight") and near(std, 0.02):
        return "1 / sqrt(2 n_layer) is missing"
    return ""
