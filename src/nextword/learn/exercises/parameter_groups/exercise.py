"""Parameter groups: what AdamW pulls toward zero, and the rest."""

import warnings
from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


class Half(nn.Module):
    """A LayerNorm and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(3)
        self.c_fc = nn.Linear(3, 5)


class Whole(nn.Module):
    """A GPT-2's modules, with a head tied to the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.wte = nn.Embedding(7, 3)
        self.wpe = nn.Embedding(4, 3)
        self.h = nn.ModuleList([Half(), Half()])
        self.ln_f = nn.LayerNorm(3)
        self.head = nn.Linear(3, 7, bias=False)
        self.head.weight = self.wte.weight


def fates(solution: Any, model: nn.Module) -> dict[str, str]:
    """Treatment of each parameter: its decay, or none."""
    decays = defaultdict[int, list[float]](list)
    for group in solution.parameter_groups(model, 0.5):
        # What AdamW allows: a single tensor, names beside the tensors, and what is not said is 0.01.
        members = [group["params"]] if isinstance(group["params"], Tensor) else group["params"]
        for member in members:
            p = member[1] if isinstance(member, tuple) else member
            decays[id(p)].append(float(group.get("weight_decay", 0.01)))
    words = {}
    for name, p in model.named_parameters():
        found = decays[id(p)]
        strength = max(found, default=0.0)
        decay = f"decays by {strength}" if strength else "does not decay"
        words[name] = "is left out" if not found else f"is there {len(found)} times" if len(found) > 1 else decay
    return words


def half(solution: Any) -> Any:
    """Four parameters."""
    return fates(solution, Half())


def whole(solution: Any) -> Any:
    """With embeddings and a tied head."""
    return fates(solution, Whole())


def frozen(solution: Any) -> Any:
    """With a linear layer that is not to be trained."""
    model = Half()
    model.c_fc.requires_grad_(False)
    return fates(solution, model)


def optimizer(solution: Any) -> Any:
    """Whether AdamW takes the groups, and the count of its numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a parameter that is there twice; later versions refuse
        adamw = torch.optim.AdamW(solution.parameter_groups(Whole(), 0.1), lr=0.1)
    return sum(p.numel() for group in adamw.param_groups for p in group["params"])


EXERCISE = exercise_in(
    __file__,
    title="What decays",
    task="""\
AdamW pulls weights toward zero, a little at every step, against learning by heart. That is good for matrices
(the linear layers' weights, the embeddings) and bad for vectors (biases, LayerNorms), whose scale matters.

An optimizer takes its parameters in groups, each with settings of its own. Return two of them, dictionaries with
"params" and "weight_decay": what decays, and what does not. Each parameter that is trained must be there, once.""",
    symbols={"parameter_groups": "nextword.train.optimizer:parameter_groups"},
    hints=(
        "model.parameters() gives each tensor once, also one that is used in two places. p.requires_grad says whether "
        "it is trained.",
        "p.dim() tells matrices (2) from vectors (1).",
        'Return [{"params": [...], "weight_decay": weight_decay}, {"params": [...], "weight_decay": 0.0}].',
    ),
    reference="module_walk",
    probes=(
        Probe("a LayerNorm and a linear layer, with a weight decay of 0.5", half),
        Probe("a small GPT-2 whose head is tied to its embedding", whole),
        Probe("a LayerNorm, and a linear layer that is frozen", frozen),
        Probe("how many numbers AdamW has when it was given the groups", optimizer),
    ),
)
