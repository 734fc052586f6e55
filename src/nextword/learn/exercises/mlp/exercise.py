"""The MLP: each token works by itself on what it has gathered."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch

from nextword.config import GPTConfig
from nextword.learn.checker.catalogue import inner_mistakes
from nextword.learn.checker.comparing import Near
from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.checker.track import TRACK
from nextword.learn.fixtures.building import build, n_parameters, output, weights
from nextword.learn.fixtures.fixture import CONFIG, numbers
from nextword.learn.fixtures.network import ReferenceMLP


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
    """Share of a like token's numbers that are dropped, and the spread of the others."""
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


EXERCISE = exercise_in(
    __file__,
    title="The MLP",
    task="""\
After a token has gathered from others, it works on what it has, by itself. A linear layer, c_fc, widens its C numbers
to 4 C; GELU bends each; and a second layer, c_proj, brings them back to C:

    result = c_proj(gelu(c_fc(x)))

In training numbers of the result are dropped with probability config.dropout.""",
    symbols={"MLP": "nextword.model.block:MLP"},
    hints=(
        "nn.Linear(config.n_embd, 4 * config.n_embd) is the first layer; the second has the two sizes swapped.",
        "gelu comes from parts. Or use nn.GELU(approximate='tanh'): without the argument it is another function.",
        "Dropout happens in training only, at the end: drop(y, config.dropout if self.training else 0.0). "
        "nn.Dropout(config.dropout) knows that by itself.",
    ),
    reference=reference,
    probes=(
        Probe("how many parameters there are, for C = 3", size),
        Probe("two tokens of three numbers", two_tokens),
        Probe("two texts of five tokens of twelve numbers", batch),
        Probe("numbers from -4 to 4, with weights that pass on each as it is", wide_range),
        Probe("dropout of 0.5 in training", partial(dropping, training=True)),
        Probe("dropout of 0.5 in eval mode", partial(dropping, training=False)),
    ),
    inner=inner_mistakes("an MLP", TRACK["gelu"]),
    example="from_parts",
)
