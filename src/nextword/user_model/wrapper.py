"""The wrapper of a user model, with what training, saving and writing ask of it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nextword.errors import WeightsError
from nextword.model import GPT, GPTConfig
from nextword.tokenizer.vocab import Vocabulary
from nextword.weights.matching import match_parameters

Read = Callable[[Any], Tensor]


class UserModel(nn.Module):
    """A user model, `inner`, with a shape, a loss and our parameter names.

    read: takes the logits out of what the class's forward gives. Raises
    MatchingError where GPT-2's parameters cannot be found in it.
    """

    def __init__(self, inner: nn.Module, config: GPTConfig, read: Read):
        super().__init__()
        self.vocabulary: Vocabulary | None = None
        self.inner, self.config = inner, config
        self._read = read
        self.matching = match_parameters(inner, config)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, T) of int64 -> logits (B, T, V)."""
        return self._read(self.inner(ids))

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Compute the cross-entropy of the targets: ids and targets (B, T) -> (), in nats a token."""
        return nn.functional.cross_entropy(self(ids).flatten(0, 1).float(), targets.flatten())

    def load(self, model: GPT) -> None:
        """Load the weights of a GPT of this shape."""
        self.matching.load({name: parameter.detach() for name, parameter in model.named_parameters()})

    def own_tensors(self) -> dict[str, Tensor]:
        """Collect the class's own state_dict, each tensor once."""
        seen: dict[tuple[int, torch.Size], str] = {}
        state = self.inner.state_dict()
        for name, tensor in state.items():
            seen.setdefault((tensor.data_ptr(), tensor.shape), name)
        return {name: state[name] for name in seen.values()}

    def take_own_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Undo `own_tensors`. Raises WeightsError where the class now has others."""
        own = self.own_tensors()
        shapes, given = ({name: tuple(t.shape) for name, t in group.items()} for group in (own, tensors))
        if shapes != given:
            wrong = next(name for name in {**given, **shapes} if given.get(name) != shapes.get(name))
            raise WeightsError(
                f"{type(self.inner).__name__} has changed since these weights were saved: {wrong} was "
                f"{in_words(given.get(wrong))} and is {in_words(shapes.get(wrong))}."
            )
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(tensors[name])

    def warnings(self) -> list[str]:
        """List what is peculiar about this class, a sentence each, before it is trained."""
        name, matching = type(self.inner).__name__, self.matching
        told = [f"{name}: {note}." for note in matching.notes if "plain list" in note]
        if matching.missing:
            lacking = sorted({generic(missing) for missing in matching.missing})
            told.append(
                f"{name} has no {', '.join(lacking)}: the exported directory has there what changes nothing "
                "(zeros for a bias)."
            )
        if matching.extra:
            told.append(f"{name} has what GPT-2 does not have, and what is not exported: {', '.join(matching.extra)}.")
        return told

    def not_exported(self) -> list[str]:
        """List what an exported directory loses, a sentence each."""
        matching, name = self.matching, type(self.inner).__name__
        told = []
        if matching.head:
            head, embedding = matching.head[0].view(), matching.export()["wte.weight"]
            apart = (head - embedding).abs().max().item()
            if apart > 0.0:
                told.append(
                    f"The head's own weights ({matching.own_head}) differ from the embedding's by up to {apart:.2g}. "
                    f"GPT-2 has one table for both, so the exported directory has the embedding's, and computes "
                    f"something else than {name}: tie them, or train on with this class."
                )
        biases = [piece.name for piece in matching.zeros if piece.view().abs().max() > 0]
        if biases:
            told.append(
                f"The head's bias ({biases[0]}) has no place in GPT-2, so the exported directory computes something "
                f"else than {name}: leave it out, with bias=False."
            )
        return told


Trainable = GPT | UserModel
"""What the trainer trains: our model or a user's."""


def generic(name: str) -> str:
    """Write a name for all blocks: h.3.ln_1.bias -> h.*.ln_1.bias"""
    parts = name.split(".")
    return ".".join(["h", "*", *parts[2:]]) if parts[0] == "h" else name


def in_words(shape: tuple[int, ...] | None) -> str:
    """Write a shape, or that there is none."""
    return "not there" if shape is None else str(shape)
