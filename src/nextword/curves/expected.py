"""The expected loss of a run, from ln V downwards: a band, wide on purpose.

Everything is measured in shares of one number, the entropy H of the text's tokens, each by itself: the loss of a
model that knows how frequent tokens are, and nothing of what stands before them. In such shares runs on characters and
on GPT-2's tokens look much alike. With D tokens seen and V in the vocabulary, of published runs and our own,

    text and model                                              D / V       loss / H
    our nano on 5 MB of English, GPT-2's tokens                 74          0.69
    nanoGPT on Shakespeare by characters, its recipe for CPUs   24,000      1.88 / 3.31 = 0.57
    llm.c, 124M on 10 billion tokens of FineWeb                 200,000     3.28 / 7.4 = 0.44
    nanoGPT on Shakespeare by characters, on a GPU              250,000     1.47 / 3.31 = 0.44  (16 passes' worth of 82)
    nanoGPT, 124M on 300 billion tokens of OpenWebText          6,000,000   2.85 / 7.4 = 0.39

(7.4 and 3.31 nats are such entropies of English in GPT-2's tokens and of the plays' characters.) A straight line in
ln(D / V) lies within 0.06 of all of them.
"""

import math

from nextword.curves.curve import Circumstances

BELOW, ABOVE = 0.16, 0.13
"""Of the band's middle, in shares of H: texts, batches and optimizers differ by about as much."""

POINTS = 100
"""At which `band_edges` computes the band."""

SOONEST, LATEST = 8.0, 100.0
"""Updates in which a run comes from ln V into the band, to a share of 1 / e."""

PASSES_WORTH = 15.4
"""How many further passes a text is worth at most. Source: Muennighoff et al., "Scaling Data-Constrained
Language Models" (2023), R* in section 5."""


def first_loss(circumstances: Circumstances) -> float | None:
    """Compute ln V, the loss of a model that knows nothing. None where V is not known."""
    return None if circumstances.n_vocab is None else math.log(circumstances.n_vocab)


def frequencies(circumstances: Circumstances) -> float | None:
    """Return the entropy of the text's tokens, or guess it by the vocabulary. None where neither is known.

    The guess lies between characters (3.3 of ln 65 = 4.2 nats) and GPT-2's tokens (7.4 of ln 50257 = 10.8), for
    English; of 256 bytes and more, text uses a part.
    """
    if circumstances.frequencies is not None:
        return circumstances.frequencies
    if circumstances.n_vocab is None:
        return None
    if circumstances.n_vocab <= 300:
        return min(3.3, 0.8 * math.log(circumstances.n_vocab))
    share = min(1.0, math.log(circumstances.n_vocab / 300) / math.log(50_257 / 300))
    return (0.85 - 0.17 * share) * math.log(circumstances.n_vocab)


def tokens_worth(step: int, circumstances: Circumstances) -> float | None:
    """Compute how many tokens were seen, those seen again counting for less. None where that is not known."""
    if circumstances.tokens_per_step is None:
        return None
    seen, text = float(step * circumstances.tokens_per_step), circumstances.train_tokens
    if not text or seen <= text:
        return seen
    again = seen / text - 1.0
    return text * (1.0 + PASSES_WORTH * (1.0 - math.exp(-again / PASSES_WORTH)))


def expected_share(step: int, circumstances: Circumstances) -> float:
    """Compute the middle of the band after so many updates, as a share of H.

    It is held up by whichever is scarcer: updates, tokens for the vocabulary, or, of long runs, parameters.
    """
    updates = max(1.0, step - 0.5 * min(circumstances.warmup, step))
    by_updates = 0.87 - 0.10 * math.log(updates / 100.0)
    tokens, vocabulary = tokens_worth(step, circumstances), circumstances.n_vocab
    by_tokens = (
        0.0 if tokens is None or vocabulary is None else 0.77 - 0.033 * math.log(max(tokens, 1.0) / vocabulary / 11)
    )
    return min(1.0, max(by_updates, by_tokens, by_size(tokens, circumstances), 0.2))


def by_size(tokens: float | None, circumstances: Circumstances) -> float:
    """Compute the share left to a model of this size after a billion tokens; 0 for shorter runs.

    The published 124M and XL runs in GPT-2's tokens end 0.2 nats above this formula.
    Source: Hoffmann et al., "Training Compute-Optimal Large Language Models" (2022), equation 10.
    """
    if tokens is None or tokens < 1e9 or circumstances.n_params is None:
        return 0.0
    loss = 1.69 + 406.4 / circumstances.n_params**0.34 + 410.7 / tokens**0.28
    return (loss + 0.2) / 7.4


def band(step: int, circumstances: Circumstances) -> tuple[float, float] | None:
    """Compute the lowest and the highest loss that would be no surprise, in nats a token.

    None where the vocabulary is not known, or the run began with trained weights, of which nobody knows how good
    they were.
    """
    first, entropy = first_loss(circumstances), frequencies(circumstances)
    if first is None or entropy is None or circumstances.fine_tuned:
        return None
    share = expected_share(step, circumstances)
    lowest, highest = entropy * max(0.0, share - BELOW), entropy * (share + ABOVE)
    # The first updates teach how frequent tokens are; how many that takes depends on the rate more than on all else.
    updates = max(0.0, step - 0.7 * min(circumstances.warmup, step))
    low = lowest + (first - 0.3 - lowest) * math.exp(-step / SOONEST)
    high = highest + (first + 1.0 - highest) * math.exp(-updates / LATEST)
    return min(low, first), max(high, low)


def band_edges(circumstances: Circumstances, last: int) -> list[tuple[int, float, float]]:
    """Compute the band at some updates, closer together at the beginning: (update, lowest, highest)."""
    steps = sorted({0, *(round(max(1, last) ** (at / POINTS)) for at in range(POINTS + 1))} if last else {0})
    bands = ((step, band(step, circumstances)) for step in steps)
    return [(step, *edges) for step, edges in bands if edges is not None]
