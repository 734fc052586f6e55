"""LoRA: finetuning with few numbers, beside weights that stay as they are."""

import re
from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers

RANK, ALPHA = 2, 8.0


def made(solution: Any, n_in: int, n_out: int) -> Any:
    """A LoRA layer around a linear layer with known numbers."""
    linear = nn.Linear(n_in, n_out)
    linear.weight.data, linear.bias.data = numbers(n_out, n_in, seed=1), numbers(n_out, seed=2)
    return solution.LoRALinear(linear, RANK, ALPHA)


def factors(layer: nn.Module, n_in: int, n_out: int) -> tuple[Tensor, Tensor]:
    """Find a layer's A (rank, in) and B (out, rank), under any names and either way round.

    Raises LookupError where they are not among its parameters.
    """
    shape_of_weight = sorted((n_in, n_out))
    named = [(n, p.data) for n, p in layer.named_parameters() if p.dim() == 2 and sorted(p.shape) != shape_of_weight]
    # A is of in's size. Where in and out are equal it is what is called so, or else what is not zero.
    letters = [re.sub(r".*(?:^|[._])([ab])(?:$|[._]).*", r"\1", name.lower()) for name, _ in named]
    by_letter = sorted(letters) == ["a", "b"]
    order = sorted(
        range(len(named)),
        key=lambda i: (n_out in named[i][1].shape, letters[i] if by_letter else not named[i][1].any()),
    )
    found = [named[i][1] for i in order]
    if [sorted(p.shape) for p in found] != [sorted((RANK, n_in)), sorted((RANK, n_out))]:
        raise LookupError(
            f"among the layer's parameters there are no A of ({RANK}, {n_in}) and B of ({n_out}, {RANK}) numbers"
        )
    A, B = found
    return A if A.shape == (RANK, n_in) else A.T, B if B.shape == (n_out, RANK) else B.T


def known(solution: Any, n_in: int, n_out: int) -> Any:
    """A LoRA layer with known A and B, and zeros for their biases, if any."""
    layer = made(solution, n_in, n_out)
    for parameter in layer.parameters():
        if parameter.dim() == 1 and not torch.equal(parameter, numbers(n_out, seed=2)):
            parameter.data.zero_()
    A, B = factors(layer, n_in, n_out)
    A.copy_(numbers(RANK, n_in, seed=3) / 2)
    B.copy_(numbers(n_out, RANK, seed=4) / 2)
    return layer


def at_first(solution: Any) -> Any:
    """Whether the layer begins as its linear layer."""
    x = numbers(2, 3)
    right = x @ numbers(3, 3, seed=1).T + numbers(3, seed=2)
    return torch.allclose(made(solution, 3, 3)(x).double(), right.double(), atol=1e-4)


def zeros(solution: Any) -> Any:
    """How many of the two begin at zero. Which of them is not for us to say."""
    return sum(not factor.any() for factor in factors(made(solution, 3, 4), 3, 4))


def one_input(solution: Any) -> Any:
    """Three numbers become four."""
    return known(solution, 3, 4)(torch.tensor([[1.0, -1.0, 0.5]]))


def as_many_out_as_in(solution: Any) -> Any:
    """Three numbers become three."""
    return known(solution, 3, 3)(torch.tensor([[1.0, -1.0, 0.5]]))


def how_many_learn(solution: Any) -> Any:
    """How many numbers learn in a layer from five to seven."""
    return sum(p.numel() for p in made(solution, 5, 7).parameters() if p.requires_grad)


def gradient(solution: Any) -> Any:
    """The gradient that goes back to x."""
    x = numbers(2, 3).requires_grad_()
    known(solution, 3, 3)(x).sum().backward()
    return x.grad


def merged(solution: Any) -> Any:
    """Output of the merged layer, and of the layer itself after merging."""
    layer, x = known(solution, 3, 4), torch.tensor([[1.0, -1.0, 0.5]])
    return {"the merged layer": layer.merge()(x), "the layer, afterwards": layer(x)}


def text(solution: Any) -> Any:
    """Two texts of five tokens."""
    return known(solution, 12, 36)(numbers(2, 5, 12))


EXERCISE = exercise_in(
    __file__,
    title="LoRA",
    task="""\
To teach a finished model something new, its large matrices need not be trained. LoRA leaves each as it is and learns a
change beside it, made of two small matrices: A (rank, in) and B (out, rank).

    y = linear(x) + (alpha / rank) B A x

Freeze the linear layer. A begins at random and B at zero, so that the layer begins as what it was. A and B are
parameters; nothing else learns. merge() gives a plain nn.Linear that does the same, and changes nothing here.""",
    symbols={"LoRALinear": "nextword.model.lora:LoRALinear"},
    hints=(
        "Keep the linear layer, frozen with requires_grad_(False). A and B are nn.Parameter of torch.randn and "
        "torch.zeros; linear.in_features and linear.out_features are the sizes.",
        "For x of shape (..., in), A x is x @ A.T, of shape (..., rank), and B of that is ... @ B.T.",
        "Merged, the weight is W + (alpha / rank) * B @ A, in a copy of the layer: copy.deepcopy(self.linear). "
        "Change it inside with torch.no_grad():.",
    ),
    reference="row_vectors",
    probes=(
        Probe("whether it begins as the linear layer that it was given", at_first),
        Probe("how many of A and B begin at zero", zeros),
        Probe("three numbers in, four out, with known A and B", one_input),
        Probe("three numbers in, three out, with known A and B", as_many_out_as_in),
        Probe("how many numbers learn, with rank 2, of five in and seven out", how_many_learn),
        Probe("the gradient that goes back to x", gradient),
        Probe("the merged layer, and the layer itself after merging", merged),
        Probe("two texts of five tokens, twelve numbers in and 36 out", text),
    ),
)
