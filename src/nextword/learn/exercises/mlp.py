"""The MLP: what a token makes of what it has gathered, by itself."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch

from nextword.config import GPTConfig
from nextword.learn.checker.catalogue import inner_mistakes
from nextword.learn.checker.comparing import Near
from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.exercises import gelu
from nextword.learn.fixtures.building import build, n_parameters, output, weights
from nextword.learn.fixtures.fixture import CONFIG, numbers
from nextword.learn.fixtures.network import ReferenceMLP

MISTAKES = (
    Mistake(
        name="relu",
        equals="an MLP with ReLU",
        remedy="Bend with GELU: gelu from parts, or nn.GELU(approximate='tanh').",
        why="ReLU is the first Transformer's. It trains nearly as well, and GPT-2's weights were not made for it.",
    ),
    Mistake(
        name="erf-gelu",
        equals="an MLP with the exact GELU instead of the tanh form",
        remedy="Use nn.GELU(approximate='tanh'), or F.gelu(x, approximate='tanh'), or gelu from parts.",
        why="nn.GELU() is the exact one, by the error function. The two differ by up to 0.0005, which no eye notices, "
        "and which adds up over 12 layers.",
    ),
    Mistake(
        name="quick-gelu",
        equals="an MLP with x * sigmoid(1.702 x), another approximation of GELU",
        remedy="Use the tanh form: nn.GELU(approximate='tanh'), or gelu from parts.",
        why="GPT-1's paper gives both, and CLIP uses this one. They differ by up to 0.02.",
    ),
    Mistake(
        name="silu",
        equals="an MLP with SiLU (swish), x * sigmoid(x)",
        remedy="Bend with GELU: gelu from parts, or nn.GELU(approximate='tanh').",
        why="SiLU is Llama's, where it comes with a gate.",
    ),
    Mistake(
        name="activation-missing",
        equals="an MLP without anything between its two layers",
        remedy="Put GELU between them: self.c_proj(gelu(self.c_fc(x))).",
        why="Two linear layers in a row are one linear layer, however wide the first one is.",
    ),
    Mistake(
        name="activation-late",
        equals="an MLP with its activation after the second layer",
        remedy="Put GELU between the layers: self.c_proj(gelu(self.c_fc(x))).",
        why="Between the layers nothing bends then; and what is added to the residual stream is hardly ever negative.",
    ),
    Mistake(
        name="activation-twice",
        equals="an MLP with one more activation after the second layer",
        remedy="Return self.c_proj(...) as it is.",
        why="What is added to the residual stream must be free to be negative.",
    ),
    Mistake(
        name="width-c",
        equals="an MLP whose inner layer is C wide",
        remedy="Widen to 4 C: nn.Linear(C, 4 * C), then nn.Linear(4 * C, C).",
        why="Two thirds of a block's parameters are here. So narrow it trains, but no checkpoint fits.",
    ),
    Mistake(
        name="width-2c",
        equals="an MLP whose inner layer is 2 C wide",
        remedy="Widen to 4 C: nn.Linear(C, 4 * C), then nn.Linear(4 * C, C).",
        why="Two thirds of a block's parameters are here. So narrow it trains, but no checkpoint fits.",
    ),
    Mistake(
        name="fc-bias-missing",
        equals="an MLP whose first layer has no bias",
        remedy="Use nn.Linear(C, 4 * C), without bias=False.",
        why="GPT-2's checkpoints have biases, and they are not zero: they say where GELU bends.",
    ),
    Mistake(
        name="mlp-projection-bias-missing",
        equals="an MLP whose second layer has no bias",
        remedy="Use nn.Linear(4 * C, C), without bias=False.",
        why="GPT-2's checkpoints have biases, and they are not zero.",
    ),
    Mistake(
        name="mlp-residual-inside",
        equals="an MLP that adds its input to its output",
        remedy="Return the second layer's output only; the block adds x.",
        why="The block does so as well, and then x is counted twice.",
    ),
    Mistake(
        name="mlp-dropout-in-eval",
        equals="an MLP that drops numbers in eval mode as well",
        remedy="Use nn.Dropout(p), or F.dropout(y, p, training=self.training).",
        why="F.dropout drops whenever it is called: it cannot know what model.eval() said.",
    ),
    Mistake(
        name="mlp-dropout-missing",
        equals="an MLP without dropout in training",
        remedy="Drop at the end: drop(self.c_proj(y), p), with p = config.dropout while self.training.",
        why="GPT-2 drops wherever something is about to be added to the residual stream.",
    ),
    Mistake(
        name="mlp-dropout-inside",
        equals="an MLP that drops between its layers instead of at its end",
        remedy="Drop after the second layer, not after GELU.",
        why="The first Transformer dropped inside. GPT-2 drops what is about to be added to the residual stream.",
    ),
)


def reference(on: Mistakes) -> Any:
    """MLP in float64, with these mistakes."""
    return SimpleNamespace(MLP=partial(ReferenceMLP, on=on))


SMALL = GPTConfig(n_vocab=7, n_ctx=5, n_embd=3, n_head=1, n_layer=1, dropout=0.0)
DROPPING = GPTConfig(n_vocab=7, n_ctx=5, n_embd=12, n_head=3, n_layer=1, dropout=0.5)


def size(solution: Any) -> Any:
    """How many numbers PyTorch knows of."""
    return f"{n_parameters(solution.MLP(SMALL)):,}"


def two_tokens(solution: Any) -> Any:
    """Two tokens of three numbers."""
    return output(build(solution.MLP, SMALL, "mlp", weights(SMALL, "mlp", seed=1)), numbers(1, 2, 3, seed=1))


def batch(solution: Any) -> Any:
    """Two texts of five tokens."""
    return output(build(solution.MLP, CONFIG, "mlp", weights(CONFIG, "mlp")), numbers(2, 5, 12))


def wide_range(solution: Any) -> Any:
    """What it makes of the numbers from -4 to 4, one by one."""
    tensors = {name: torch.zeros_like(tensor) for name, tensor in weights(CONFIG, "mlp").items()}
    tensors["c_fc.weight"][:12] = torch.eye(12)
    tensors["c_proj.weight"][:, :12] = torch.eye(12)
    return output(build(solution.MLP, CONFIG, "mlp", tensors), torch.linspace(-4, 4, 24).view(1, 2, 12))


def dropping(solution: Any, training: bool) -> Any:
    """How many numbers of a like token are dropped, and how they differ from each other."""
    tensors = weights(DROPPING, "mlp")
    tensors["c_proj.bias"] = torch.ones(12)
    tensors["c_proj.weight"] = torch.full((12, 48), 0.1)
    module = build(solution.MLP, DROPPING, "mlp", tensors).train(training)
    with torch.no_grad():
        y = output(module, torch.ones(500, 4, 12)).double()
    return {
        "numbers that are 0": Near((y == 0).double().mean(), 0.03),
        "mean": Near(y.mean(), 0.2),
        "whether they differ": bool(y.std() > 1e-3),
    }


def in_training(solution: Any) -> Any:
    """With dropout of 0.5, in training."""
    return dropping(solution, True)


def in_eval(solution: Any) -> Any:
    """With dropout of 0.5, in eval mode."""
    return dropping(solution, False)


EXERCISE = Exercise(
    name="mlp",
    title="The MLP",
    task="""\
After a token has gathered from others, it works on what it has, by itself. A linear layer, c_fc, widens its C numbers
to 4 C; GELU bends each; and a second layer, c_proj, brings them back to C:

    result = c_proj(gelu(c_fc(x)))

In training numbers of the result are dropped with probability config.dropout.""",
    symbols={"MLP": "nextword.model.block:MLP"},
    stub='''
import torch
from torch import Tensor, nn

from parts import GPTConfig, drop, gelu


class MLP(nn.Module):
    """@MLP"""

    def __init__(self, config: GPTConfig):
        super().__init__()
        # c_fc and c_proj, with biases, and dropout
        ...

    def forward(self, x: Tensor) -> Tensor:
        """@MLP.forward"""
        ...
''',
    hints=(
        "nn.Linear(config.n_embd, 4 * config.n_embd) is the first layer; the second has the two sizes swapped.",
        "gelu comes from parts. Or use nn.GELU(approximate='tanh'): without the argument it is another function.",
        "Dropout happens in training only, at the end: drop(y, config.dropout if self.training else 0.0). "
        "nn.Dropout(config.dropout) knows that by itself.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("how many parameters there are, for C = 3", size),
        Probe("two tokens of three numbers", two_tokens),
        Probe("two texts of five tokens of twelve numbers", batch),
        Probe("numbers from -4 to 4, with weights that pass on each as it is", wide_range),
        Probe("dropout of 0.5 in training", in_training),
        Probe("dropout of 0.5 in eval mode", in_eval),
    ),
    inner=inner_mistakes("an MLP", gelu.EXERCISE),
    example="from_parts",
)
