"""The smallest language model there is, for experiments with training: it knows the last token only."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nextword.learn.fixture import numbers

N_VOCAB, N_EMBD = 5, 3


class Bigram(nn.Module):
    """ids (B, T) -> logits (B, T, 5), in float64, from 35 numbers that are always the same at first.

    In training everything is half as large again: as with dropout the modes
    differ, but by no random numbers. `modes` remembers for each call whether
    the model was training, and `graphs` whether gradients were kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wte = nn.Embedding(N_VOCAB, N_EMBD, dtype=torch.float64)
        self.head = nn.Linear(N_EMBD, N_VOCAB, dtype=torch.float64)
        with torch.no_grad():
            for seed, parameter in enumerate(self.parameters()):
                parameter.copy_(numbers(*parameter.shape, seed=seed))
        self.modes: list[bool] = []
        self.graphs: list[bool] = []

    def forward(self, ids: Tensor) -> Tensor:
        """Score each next token by the token before it."""
        self.modes.append(self.training)
        self.graphs.append(torch.is_grad_enabled())
        x = self.wte(ids)
        return self.head(1.5 * x if self.training else x)


def batches(n: int, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """n batches of two texts of four tokens: ids and targets (2, 4), each of its own memory, so that view(-1) works."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(n):
        ids = torch.randint(N_VOCAB, (2, 5), generator=generator)
        yield ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
