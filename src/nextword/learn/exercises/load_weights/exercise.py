"""Loading: every tensor into the parameter of its name, and nothing passed over in silence."""

from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers


class Pair(nn.Module):
    """Two parameters of zeros: a 3 x 2 matrix (listed in `held` too) and a bias of 3."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 2))
        self.bias = nn.Parameter(torch.zeros(3))
        self.held = [self.weight]

    def loaded(self, solution: Any, **changed: Tensor | None) -> dict[str, Any]:
        """The parameters after loading from tensors with changes; None leaves one out."""
        tensors = {"weight": torch.arange(1.0, 7.0).view(3, 2), "bias": torch.tensor([7.0, 8.0, 9.0])} | changed
        solution.load_weights(self, {name: tensor for name, tensor in tensors.items() if tensor is not None})
        return {name: parameter.detach().clone() for name, parameter in self.named_parameters()}


def two_parameters(solution: Any) -> Any:
    """A weight and a bias."""
    return Pair().loaded(solution)


def a_missing_one(solution: Any) -> Any:
    """A bias without a tensor: that should raise an error."""
    return Pair().loaded(solution, bias=None)


def an_unknown_one(solution: Any) -> Any:
    """A tensor without a parameter: that should raise an error."""
    return Pair().loaded(solution, scale=torch.ones(3))


def turned(solution: Any) -> Any:
    """A weight of (2, 3) instead of (3, 2): an error is expected."""
    return Pair().loaded(solution, weight=torch.arange(1.0, 7.0).view(2, 3))


def too_small(solution: Any) -> Any:
    """A weight of (2,) instead of (3, 2): an error is expected."""
    return Pair().loaded(solution, weight=torch.tensor([1.0, 2.0]))


def the_same_objects(solution: Any) -> Any:
    """The weight as a tied head sees it, which took it before loading."""
    model = Pair()
    model.loaded(solution)
    return model.held[0].detach()


def copies(solution: Any) -> Any:
    """The bias, after the tensor that it was loaded from has been set to 0."""
    model, bias = Pair(), torch.tensor([7.0, 8.0, 9.0])
    model.loaded(solution, bias=bias)
    bias.zero_()
    return model.bias.detach()


def learning(solution: Any) -> Any:
    """Whether each parameter still learns."""
    model = Pair()
    model.loaded(solution)
    return {name: parameter.requires_grad for name, parameter in model.named_parameters()}


def blocks(n_layer: int) -> nn.Module:
    """What of a GPT-2 is enough here: an embedding, and blocks of one LayerNorm."""
    norms = [nn.ModuleDict({"ln_1": nn.LayerNorm(2)}) for _ in range(n_layer)]
    return nn.ModuleDict({"wte": nn.Embedding(3, 2), "h": nn.ModuleList(norms)})


def eleven_blocks(solution: Any) -> Any:
    """Eleven blocks, each with its number as the bias of ln_1."""
    model = blocks(11)
    tensors = {name: torch.zeros_like(values) for name, values in model.state_dict().items()}
    for layer in range(11):
        tensors[f"h.{layer}.ln_1.bias"] = torch.full((2,), float(layer))
    solution.load_weights(model, tensors)
    return [model.get_parameter(f"h.{layer}.ln_1.bias")[0].item() for layer in range(11)]


def exchanged(solution: Any) -> Any:
    """Two blocks, from a file in which block 1 stands before block 0."""
    model = blocks(2)
    shapes = {name: values.shape for name, values in model.state_dict().items()}
    swap = {"h.0": "h.1", "h.1": "h.0"}
    order = [swap.get(name[:3], name[:3]) + name[3:] for name in shapes]
    solution.load_weights(model, {name: numbers(*shapes[name], seed=seed) for seed, name in enumerate(order)})
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


EXERCISE = exercise_in(
    __file__,
    title="Loading weights",
    task="""\
Copy a dictionary of tensors, which have our names and nn.Linear's orientation by now, into a model whose parameters
have the same names: model.named_parameters() gives them. A head that is tied to wte has no parameter of its own.

Nothing may go wrong in silence. Raise ValueError where a parameter has no tensor, where a tensor has no parameter, and
where shapes differ. And the parameters should stay the objects that they are, since others may hold them already: an
optimizer, or a tied head.""",
    symbols={"load_weights": "nextword.weights.plain:load_weights"},
    hints=(
        "Make a dictionary of the parameters: dict(model.named_parameters()). Compare its keys with those of tensors.",
        "copy_ copies into a parameter that is there. It has to stand inside with torch.no_grad():, "
        "since it is not to be learned from.",
        "copy_ stretches what is too small, so compare parameter.shape with tensors[name].shape first.",
    ),
    reference="block_by_block",
    probes=(
        Probe("a weight of 3 x 2 numbers and a bias of 3", two_parameters),
        Probe("a weight and a bias, and no bias in the file", a_missing_one),
        Probe("a weight and a bias, and a third tensor in the file, which the model has no place for", an_unknown_one),
        Probe("a weight that is (2, 3) in the file, and (3, 2) in the model", turned),
        Probe("a weight that is (2,) in the file, and (3, 2) in the model", too_small),
        Probe("the weight that a tied head holds", the_same_objects),
        Probe("the bias, after the tensor it came from was set to 0", copies),
        Probe("whether the parameters still learn", learning),
        Probe("the biases of eleven blocks: 0, 1, 2, ...", eleven_blocks),
        Probe("two blocks, from a file in which block 1 stands before block 0", exchanged),
    ),
)
