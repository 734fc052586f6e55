"""Embeddings: what each token is, plus where it stands."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import CONFIG, numbers, token_ids

MISTAKES = (
    Mistake(
        name="positions-missing",
        equals="the tokens' embeddings without the positions'",
        remedy="Add the position's row: wte[ids] + wpe[positions].",
        why="Attention alone does not know the order of words. Without positions it sees a bag of them.",
    ),
    Mistake(
        name="tokens-missing",
        equals="the positions' embeddings without the tokens'",
        remedy="Add the token's row: wte[ids] + wpe[positions].",
        why="Every text would look the same to the model.",
    ),
    Mistake(
        name="positions-from-one",
        equals="embeddings whose positions begin at 1",
        remedy="Count positions from 0: torch.arange(T).",
        why="A model trained so would not notice. With official weights every token stands one place too far, "
        "and a full window has no place for its last token.",
    ),
    Mistake(
        name="positions-reversed",
        equals="embeddings whose positions are counted from the end",
        remedy="Count positions from the text's beginning: torch.arange(T).",
        why="Each token would change its place whenever another is written behind it.",
    ),
    Mistake(
        name="positions-by-id",
        equals="embeddings that look up the position by the token's id",
        remedy="Look up positions by place: wpe[torch.arange(T)], not wpe[ids].",
        why="ids say which tokens these are. Where they stand is their index in the row.",
    ),
    Mistake(
        name="positions-by-text",
        equals="embeddings that give all tokens of a text the text's place in the batch as position",
        remedy="Count along the tokens, the last dimension of ids: torch.arange(ids.size(1)).",
        why="Dimension 0 counts texts, dimension 1 tokens. The texts of a batch have nothing to do with each other.",
    ),
    Mistake(
        name="positions-continued",
        equals="embeddings whose positions go on from one text of the batch to the next",
        remedy="Let each text begin at 0: one torch.arange(T) for all.",
        why="The texts of a batch stand side by side, not one after the other.",
    ),
    Mistake(
        name="positions-all-first",
        equals="embeddings that give every token the first position",
        remedy="Give each token its own position: wpe[torch.arange(T)], not wpe[0].",
        why="That adds the same numbers to all tokens, which says nothing of their order.",
    ),
    Mistake(
        name="positions-wrapped",
        equals="embeddings that begin again at position 0 after n_ctx tokens",
        remedy="Let a text of more than n_ctx tokens be an error: no modulo, no clamp.",
        why="No such text was ever trained on: two tokens would stand in the same place. "
        "Better to stop than to write nonsense.",
    ),
    Mistake(
        name="whole-table",
        equals="embeddings that add the whole table of positions, which fits texts of n_ctx tokens only",
        remedy="Take the first T rows: wpe[torch.arange(T)] or wpe[:T].",
        why="While training, all windows may be n_ctx long. A prompt hardly ever is.",
    ),
    Mistake(
        name="multiplied",
        equals="the product of the two embeddings instead of their sum",
        remedy="Add them: wte[ids] + wpe[positions].",
        why="Around 0 a product is small: both would disappear where either is near 0.",
    ),
    Mistake(
        name="concatenated",
        equals="the two embeddings side by side instead of their sum",
        remedy="Add them, so that x stays C wide: wte[ids] + wpe[positions].",
        why="Side by side they would be 2 C numbers. Added, they share the C, and the model learns to tell them apart.",
    ),
    Mistake(
        name="scaled",
        equals="embeddings with the tokens' scaled by sqrt(C)",
        remedy="Leave wte[ids] as it is.",
        why="The Transformer of 2017 scales so. GPT-2 does not, and its weights are trained without.",
    ),
    Mistake(
        name="positions-of-the-batch",
        equals="embeddings that count the texts of the batch instead of the tokens",
        remedy="There are T = ids.shape[1] positions: torch.arange(ids.shape[1]). len(ids) is the number of texts.",
        why="Where there are as many texts as tokens nothing shows, and elsewhere the sizes hardly ever fit.",
    ),
    Mistake(
        name="positions-clamped",
        equals="embeddings that give all tokens beyond n_ctx the last position",
        remedy="Let a text that is too long be an error: no clamp or min.",
        why="No numbers were learned for such places. Whoever asks for them should hear of it.",
    ),
    Mistake(
        name="text-cut",
        equals="embeddings that leave out the tokens beyond n_ctx",
        remedy="Let a text that is too long be an error, and leave its tokens alone.",
        why="What was left out is missed much later, if at all. Cutting is for the caller to decide.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Embeddings in float64, with these mistakes."""

    def embed(ids: Tensor, wte: Tensor, wpe: Tensor) -> Tensor:
        wte, wpe = wte.double(), wpe.double()
        (B, T), n_ctx = ids.shape, len(wpe)
        positions = torch.arange(T).expand(B, T)
        if "text-cut" in on:
            ids, positions = ids[:, :n_ctx], positions[:, :n_ctx]
        if "positions-clamped" in on:
            positions = positions.clamp(max=n_ctx - 1)
        if "positions-of-the-batch" in on:
            positions = torch.arange(B)
        if "positions-by-text" in on:
            positions = torch.arange(B)[:, None].expand(B, T)
        if "positions-continued" in on:
            positions = torch.arange(B * T).view(B, T)
        if "positions-reversed" in on:
            positions = positions.flip(-1)
        if "positions-by-id" in on:
            positions = ids
        if "positions-from-one" in on:
            positions = positions + 1
        if "positions-all-first" in on:
            positions = 0 * positions
        if "positions-wrapped" in on:
            positions = positions % n_ctx
        if "whole-table" in on and n_ctx != T:
            raise RuntimeError(f"{T} tokens and {n_ctx} positions cannot be added")
        tokens = wte[ids]
        places = torch.zeros(()) if "positions-missing" in on else wpe[positions]
        if "scaled" in on:
            tokens = tokens * wte.size(1) ** 0.5
        if "tokens-missing" in on:
            tokens = 0.0 * tokens
        if "concatenated" in on:
            return torch.cat((tokens, places.expand_as(tokens)), -1)
        return tokens * places if "multiplied" in on else tokens + places

    return SimpleNamespace(embed=embed)


WTE = torch.tensor([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1], [3.0, 3.1]])
WPE = torch.tensor([[0.5, 0.0], [0.0, 0.5], [-0.5, 0.0]])


def one_text(solution: Any) -> Any:
    """Three tokens, as many as there are positions."""
    return solution.embed(torch.tensor([[1, 1, 2]]), WTE, WPE)


def short_texts(solution: Any) -> Any:
    """Two texts, shorter than there are positions."""
    return solution.embed(torch.tensor([[3, 0], [3, 3]]), WTE, WPE)


def batch(solution: Any) -> Any:
    """The fixture's sizes."""
    ids = token_ids(2, 7)
    return solution.embed(ids, numbers(CONFIG.n_vocab, CONFIG.n_embd), numbers(CONFIG.n_ctx, CONFIG.n_embd, seed=1))


def small_ids(solution: Any) -> Any:
    """Ids that are positions as well."""
    ids = torch.tensor([[1, 0, 2, 2], [0, 2, 1, 0]])
    return solution.embed(ids, numbers(3, 5), numbers(9, 5, seed=1))


def too_long(solution: Any) -> Any:
    """More tokens than positions."""
    return solution.embed(torch.tensor([[1, 1, 2, 0, 3]]), WTE, WPE)


EXERCISE = Exercise(
    name="embed",
    title="Embeddings",
    task="""\
An id says nothing by itself: token 257 is not greater than token 256. So each token of the vocabulary has C numbers
of its own, a row of the table wte, which say what it is and are learned. What follows in the network does not know in
which order the tokens stand, so each position has C numbers too, a row of the table wpe. The two are added:

    x[b, t] = wte[ids[b, t]] + wpe[t]""",
    symbols={"embed": "nextword.model.plain:embed"},
    stub='''
import torch
from torch import Tensor


def embed(ids: Tensor, wte: Tensor, wpe: Tensor) -> Tensor:
    """@embed"""
    ...
''',
    hints=(
        "A table indexed by a tensor of ids gives a row for each: wte[ids] has the shape (B, T, C).",
        "The positions are 0 to T - 1, the same for all texts of the batch: torch.arange(ids.size(1)).",
        "wte[ids] is (B, T, C) and wpe[positions] is (T, C). Adding them repeats the latter for each text.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("two texts of two tokens, two numbers each", short_texts),
        Probe("three tokens, where there are three positions", one_text),
        Probe("ids that are small enough to be taken for positions", small_ids),
        Probe("two texts of seven tokens, twelve numbers each", batch),
        Probe("five tokens, where there are only three positions", too_long),
    ),
)
