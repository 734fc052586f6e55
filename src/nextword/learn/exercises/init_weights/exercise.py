"""Initialisation: what the weights are before anything has been learned."""

from typing import Any

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.learn.checker.comparing import Near
from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.model.gpt import GPT

CONFIG = GPTConfig(n_vocab=301, n_ctx=64, n_embd=48, n_head=4, n_layer=3, dropout=0.0)
KINDS = ("wte", "wpe", "attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")


class Tied(GPT):
    """A GPT as torch would have made it, with its tied head as a module."""

    def __init__(self) -> None:
        super().__init__(CONFIG)
        self.lm_head = nn.Linear(CONFIG.n_embd, CONFIG.n_vocab, bias=False)
        self.lm_head.weight = self.wte.weight
        for module in (*self.modules(), self.wte):  # the embedding once more, after the head
            if isinstance(module, nn.Linear | nn.Embedding):
                module.reset_parameters()


def drawn(solution: Any) -> dict[str, Tensor]:
    """The numbers of each kind, of all blocks together, after an answer has drawn them."""
    model = Tied()
    solution.init_weights(model)
    found: dict[str, list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        kind = "ln" if "ln_" in name else name.removesuffix(".weight").removesuffix(".bias")
        kind = kind.split(".", 2)[-1] if kind.startswith("h.") else kind
        end = ".bias" if name.endswith("bias") else ""
        found.setdefault(kind + end, []).append(parameter.detach().double().flatten())
    return {kind: torch.cat(parts) for kind, parts in found.items()}


def near(value: Tensor, share: float = 0.08) -> Near:
    """A standard deviation, exact to 8 percent, or less exact for few numbers."""
    return Near(float(value), share * float(value) + 1e-4)


def deviations(solution: Any) -> Any:
    """The deviation of each kind of weight."""
    weights = drawn(solution)
    found = {kind: weights[kind].std() for kind in KINDS}
    # OpenAI's own code draws positions with 0.01, their paper and everybody since with 0.02: both are right.
    if abs(found["wpe"] - 0.01) < 0.0008:
        found["wpe"] = torch.tensor(0.02)
    return {kind: near(value) for kind, value in found.items()}


def biases(solution: Any) -> Any:
    """How large the biases of linear layers are."""
    weights = drawn(solution)
    return {kind: near(weights[f"{kind}.bias"].std(), 0.3) for kind in KINDS[2:]}


def norms(solution: Any) -> Any:
    """LayerNorms' weights and biases."""
    weights = drawn(solution)
    return {
        "mean weight": Near(weights["ln"].mean(), 0.01),
        "deviation of weights": near(weights["ln"].std(), 0.3),
        "deviation of biases": near(weights["ln.bias"].std(), 0.3),
    }


def distribution(solution: Any) -> Any:
    """Share of weights within one deviation of 0: 68 percent if normal, 58 if uniform."""
    weights = drawn(solution)
    return {kind: Near((weights[kind].abs() < weights[kind].std()).double().mean(), 0.04) for kind in KINDS}


EXERCISE = exercise_in(
    __file__,
    title="Initialisation",
    task="""\
What the weights are before anything has been learned. GPT-2 begins like this:

    matrices (wte, wpe and the linear layers)   normal, mean 0, deviation 0.02
    except every c_proj.weight                  deviation 0.02 / sqrt(2 n_layer)
    biases                                      0
    LayerNorms                                  weight 1, bias 0

The two c_proj of a block are what writes into the residual stream: 2 n_layer of them add up there, and the root keeps
the sum as large as one. The model has OpenAI's names (wte, wpe, h.0.attn.c_attn, ..., ln_f), a model.config, and
perhaps lm_head, a layer without a bias whose weight is wte's.""",
    symbols={"init_weights": "nextword.model.gpt:init_weights"},
    hints=(
        "for name, parameter in model.named_parameters() gives every parameter once. Decide by its name.",
        "nn.init.normal_(parameter, std=0.02) and nn.init.zeros_(parameter) write into the parameter itself, which "
        "parameter = ... would not.",
        "name.endswith('bias'), 'ln_' in name and name.endswith('c_proj.weight') are the cases; the rest gets 0.02.",
    ),
    reference="by_name",
    probes=(
        Probe("the deviation of each kind of weight, with three blocks", deviations),
        Probe("the deviation of biases", biases),
        Probe("LayerNorms", norms),
        Probe("what share of the weights is within one deviation of 0", distribution),
    ),
)
