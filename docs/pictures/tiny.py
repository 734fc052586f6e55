"""Models so small that they are trained while the book is made."""

from functools import cache

import torch
from torch import Tensor

from nextword.data.corpus import read_corpus
from nextword.data.plain import batches, windows
from nextword.model import GPT, GPTConfig
from nextword.train.optimizer import parameter_groups
from nextword.train.plain import train

BYTES = GPTConfig(n_vocab=256, n_ctx=32, n_embd=48, n_head=3, n_layer=2, dropout=0.1)
"""A model of bytes: no tokenizer is needed, and 256 possibilities are soon learned."""


@cache
def story() -> Tensor:
    """The bundled story, byte by byte: (N,)."""
    text = "\n".join(read_corpus(("story",)).documents)
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8).long()


def story_batches(steps: int, batch_size: int = 16) -> list[tuple[Tensor, Tensor]]:
    """So many batches of the story."""
    x, y = windows(story(), BYTES.n_ctx, BYTES.n_ctx)
    found: list[tuple[Tensor, Tensor]] = []
    seed = 0
    while len(found) < steps:
        found += batches(x, y, batch_size, seed)
        seed += 1
    return found[:steps]


def fresh(config: GPTConfig, seed: int = 0) -> tuple[GPT, torch.optim.AdamW]:
    """A new model and its optimizer."""
    torch.manual_seed(seed)
    model = GPT(config)
    return model, torch.optim.AdamW(parameter_groups(model, 0.1), lr=1e-3, betas=(0.9, 0.95))


ANIMALS = ("cat", "dog", "cow", "hen")
FOODS = ("fish", "bones", "grass", "corn")
WORDS = ("the", "likes", ".", "so", "bring", "it", "some", *ANIMALS, *FOODS)


def sentence(animal: str, food: str) -> list[str]:
    """A sentence whose last word can only be known by looking back."""
    return ["the", animal, "likes", food, ".", "so", "bring", "the", animal, "some", food]


@cache
def reader() -> GPT:
    """A model of four layers that has learned to look back."""
    ids = {word: id for id, word in enumerate(WORDS)}
    rows = [[ids[word] for word in sentence(animal, food)] for animal in ANIMALS for food in FOODS]
    texts = torch.tensor(rows)
    with torch.random.fork_rng():
        config = GPTConfig(n_vocab=len(WORDS), n_ctx=16, n_embd=32, n_head=2, n_layer=4, dropout=0.0)
        model, optimizer = fresh(config, seed=1)
        train(model, optimizer, [(texts[:, :-1], texts[:, 1:])] * 250, 250, 20, 5e-3)
    return model.eval()
