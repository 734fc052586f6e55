"""Log-probabilities of given continuations: every measure of a model is built on them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextword.errors import NotFiniteError
from nextword.evaluate.packing import PackedRow, PackedTexts, Tree, pack
from nextword.model import GPT
from nextword.model.head_loss import surprise
from nextword.runtime import matmuls_in

CPU_TOKENS, GPU_TOKENS = 512, 16384
"""Tokens to read in one forward pass; more are not faster."""

MOST_LOGITS = 256 * 2**20
"""Bytes of logits to compute at once."""


@dataclass(frozen=True)
class Request:
    """A text, and one or several continuations of it to be scored: all of them ids.

    The text needs at least one token, such as <|endoftext|>, and each continuation as well.
    """

    text: Sequence[int]
    continuations: tuple[Sequence[int], ...]


@dataclass(frozen=True)
class Score:
    """How likely a continuation is.

    logprobs (n,): ln p of each of its tokens; greedy (n,): whether that token was the likeliest.
    """

    logprobs: NDArray[np.float64]
    greedy: NDArray[np.bool_]

    @property
    def logprob(self) -> float:
        """The whole continuation's ln p."""
        return float(self.logprobs.sum())

    @property
    def is_greedy(self) -> bool:
        """Whether greedy decoding would write it."""
        return bool(self.greedy.all())


@torch.inference_mode()
def score(
    model: GPT,
    requests: Sequence[Request],
    dtype: torch.dtype = torch.float32,
    tell: Callable[[int], None] = lambda done: None,
) -> list[tuple[Score, ...]]:
    """Score the continuations of each request.

    What several continuations share is read once; texts are packed beside each other, the longest first, so that
    nothing is filled up. Of a text that is too long for the model the last n_ctx tokens count. dtype: the format
    of matrix products. tell: is called with the number of requests scored so far. Raises ValueError for a
    request without a token to begin with or to predict, and NotFiniteError for a score that is no number.
    """
    for request in requests:
        if not request.text or not all(request.continuations):
            raise ValueError("a request needs at least one token of text, and one in each continuation.")
    trees = [tree for number, request in enumerate(requests) for tree in trees_of(number, request, model.config.n_ctx)]
    order = sorted(range(len(trees)), key=lambda i: -trees[i].tree.size)
    device = model.wte.weight.device
    on_cpu = device.type == "cpu"
    capacity = min(model.config.n_ctx, CPU_TOKENS if on_cpu else GPU_TOKENS)
    rows = pack(((i, trees[i].tree) for i in order), capacity)
    found: dict[tuple[int, int], Score] = {}
    left = [sum(1 for tree in trees if tree.number == number) for number in range(len(requests))]
    n_done, was_training = 0, model.training
    model.eval()
    try:
        for group in grouped(rows, CPU_TOKENS if on_cpu else GPU_TOKENS):
            for (i, branch), scored in read(model, group, trees, device, dtype):
                found[trees[i].number, trees[i].places[branch]] = scored
            for i in {i for row in group for i, _ in row.scored}:
                left[trees[i].number] -= 1
                n_done += left[trees[i].number] == 0
            tell(n_done)
    finally:
        model.train(was_training)
    return [tuple(found[n, i] for i in range(len(request.continuations))) for n, request in enumerate(requests)]


@dataclass(frozen=True)
class NumberedTree:
    """A tree of tokens; number: of its request; places: of its ends among that request's continuations."""

    number: int
    places: tuple[int, ...]
    tree: Tree


def trees_of(number: int, request: Request, n_ctx: int) -> Iterator[NumberedTree]:
    """Cut a request to the context: whole where it fits, else each continuation by itself."""
    ends = request.continuations
    whole = Tree(request.text, ends)
    if whole.size <= n_ctx and len(ends) > 0:
        yield NumberedTree(number, tuple(range(len(ends))), whole)
        return
    for place, end in enumerate(ends):
        if len(end) > n_ctx:
            raise ValueError(f"a continuation of {len(end)} tokens is more than n_ctx = {n_ctx}: score it in parts.")
        beginning = request.text[-(n_ctx + 1 - len(end)) :]
        yield NumberedTree(number, (place,), Tree(beginning, (end,)))


def grouped(rows: Iterator[PackedRow], n_tokens: int) -> Iterator[list[PackedRow]]:
    """Group rows into forward passes of at most so many tokens, padding included."""
    group: list[PackedRow] = []
    for row in rows:
        if group and (len(group) + 1) * max(len(row.ids), *(len(other.ids) for other in group)) > n_tokens:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def read(
    model: GPT, group: list[PackedRow], trees: Sequence[NumberedTree], device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[tuple[int, int], Score]]:
    """Read packed rows in one forward pass. -> by tree and end its score."""
    keys = [(row, key) for row, packed in enumerate(group) for key in packed.scored]
    targets = torch.tensor([id for _, (i, branch) in keys for id in trees[i].tree.ends[branch]], device=device)
    with matmuls_in(dtype, device):
        if len(group) == 1 and group[0].is_plain:
            x = model.trunk(torch.tensor([group[0].ids], device=device))  # (1, T, C)
        else:
            packed_texts = PackedTexts(group, device)
            x = model.trunk(packed_texts.ids, packed_texts)  # (B, T, C)
        at = torch.tensor([row * x.size(1) + i for row, key in keys for i in group[row].scored[key]], device=device)
        logprobs, greedy = scores_of(model, x.flatten(0, 1)[at], targets)
    start = 0
    for row, key in keys:
        end = start + len(group[row].scored[key])
        yield key, Score(logprobs[start:end], greedy[start:end])
        start = end


def scores_of(model: GPT, x: Tensor, targets: Tensor) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score tokens by what the trunk says before them: x (n, C), targets (n,) -> ln p, and whether it is the largest.

    Raises NotFiniteError for a score that is no number.
    """
    logprobs, greedy = [], []
    rows = max(1, MOST_LOGITS // (4 * model.config.n_vocab))
    for xs, ids in zip(x.split(rows), targets.split(rows), strict=True):
        logits = model.head(xs).float()  # (n, V)
        greedy.append(logits.argmax(-1) == ids)
        logprobs.append(-surprise(logits, ids, 0.0)[0])
    found = torch.cat(logprobs).double().cpu().numpy()
    if not np.isfinite(found).all():
        raise NotFiniteError(
            "A token's probability is no number. The model's weights are damaged or come from a training that "
            "diverged, or its numbers outgrow their type: take an earlier checkpoint, or use float32."
        )
    return found, torch.cat(greedy).cpu().numpy()
