"""The recipe: default settings by the size of the text and of the model.

Those for short texts were measured, those for longer ones are the literature's: see docs/your_text.md.
"""

import math
from dataclasses import dataclass, replace

from nextword.config import GPTConfig

BY_HEART = 20_000
"""Tokens up to which a text is learnt by heart: it is too short to learn English from, and soon stored whole."""

TOKENS_PER_PARAMETER = 20
"""What a model can use. Source: Hoffmann et al., "Training Compute-Optimal Large Language Models" (2022)."""

SMALL = 2_000_000
"""Parameters up to which a model learns from short windows at a high rate."""

NARROW = 256
"""Width up to which Muon is no dearer than AdamW with a few windows a step, and learns more: see docs/recipes.md."""

LEAST_UPDATES = 40
"""However short a text is, it takes so many to move the weights far enough."""

RECIPES = ("usual", "fast")
"""What people have always done, and what was measured to learn more from the same tokens: see docs/recipes.md."""

OPTIMIZERS = {"adamw": 1.0, "muon": 8.0, "mars": 2.0, "soap": 2.0}
"""The optimizers by name, with their learning rate as a multiple of AdamW's here: see docs/recipes.md."""

GPT2_STD = 0.02
"""The deviation of GPT-2's first weights. Source: Radford et al. (2018), section 4.1."""


@dataclass(frozen=True)
class Recipe:
    """The settings that are chosen, and why in a few words.

    passes: over the training text. lr: AdamW's. schedule: the learning rate's curve, one of `schedule.SCHEDULES`.
    warmup: the share of the run over which the rate rises.
    embedding_std: the deviation of the first wte and wpe; all else is drawn as GPT-2 drew it.
    """

    window: int
    batch_size: int
    passes: float
    lr: float
    schedule: str
    warmup: float
    dropout: float
    embedding_std: float
    why: str
    optimizer: str = "adamw"


def choose(n_tokens: int, model: GPTConfig, fine_tuning: bool = False, recipe: str = "usual") -> Recipe:
    """Choose how to train a model on so many tokens, from random weights or (fine-tuning) trained ones."""
    usual = choose_usual(n_tokens, model, fine_tuning)
    if recipe == "usual":
        return usual
    # Each was measured to lower the loss at equal tokens.
    return replace(usual, optimizer="muon", schedule="linear", why=f"{usual.why}, by the fast recipe")


def choose_usual(n_tokens: int, model: GPTConfig, fine_tuning: bool) -> Recipe:
    """Choose the usual recipe by the length of the text and the size of the model."""
    n_tokens = max(1, n_tokens)  # of less the data says what is wrong
    if fine_tuning:
        return fine_tune(n_tokens, model)
    if n_tokens <= BY_HEART:
        return learn_by_heart(n_tokens, model)
    return teach_a_small_model(n_tokens, model) if model.n_params <= SMALL else learn_the_language(n_tokens, model)


def learn_by_heart(n_tokens: int, model: GPTConfig) -> Recipe:
    """Store a short text in the least time: no dropout, wide embeddings, a late fall of the rate.

    AdamW's first updates move each number by about the learning rate, and in
    ways that many tokens share, so that embeddings drawn at 0.02 soon are more
    alike than not. Drawn about as long as 1 they stay apart, and are told apart
    sooner; the head, which is tied to them, begins with scores of about 1. At a
    rate that does not fall, the last updates each forget some of the others' text.
    """
    window = fitting_window(n_tokens, model)
    batch_size = 2 if n_tokens - 1 > window else 1  # of one window there is no second
    passes = 14.0 * (768 / model.n_embd) ** 0.18  # a narrow model is slower to store as much
    return Recipe(
        window=window,
        batch_size=batch_size,
        passes=max(passes, LEAST_UPDATES * batch_size * window / n_tokens),
        lr=1.5e-4 * (768 / model.n_embd) ** (5 / 3),
        schedule="wsd",
        warmup=0.0,
        dropout=0.0,
        embedding_std=round(1.1 / math.sqrt(model.n_embd), 3),
        why="short enough to learn by heart",
    )


def learn_the_language(n_tokens: int, model: GPTConfig) -> Recipe:
    """Come near the lowest validation loss: dropout, a falling rate, few passes, and Muon for a narrow model.

    Source for the passes: Muennighoff et al., "Scaling Data-Constrained Language Models" (2023), by whom four of
    them are worth nearly as much as so much new text. Smaller texts are read a few times more, since one pass is so few
    updates.
    """
    return Recipe(
        window=fitting_window(n_tokens, model),
        batch_size=4,
        passes=min(long_passes(n_tokens), TOKENS_PER_PARAMETER * model.n_params / n_tokens),
        lr=default_lr(model),
        schedule="linear" if model.n_embd <= NARROW else "cosine",
        warmup=0.05,
        dropout=0.1,
        embedding_std=GPT2_STD,
        why="too long to learn by heart",
        optimizer="muon" if model.n_embd <= NARROW else "adamw",
    )


def teach_a_small_model(n_tokens: int, model: GPTConfig) -> Recipe:
    """Bring a model of few parameters far in a few passes: short windows, a high rate, no dropout.

    What is near helps most, and attention finds it sooner among 64 tokens than
    among 256; so few parameters cannot learn the text by heart, which is what
    dropout is against. Measured on Shakespeare's characters at a width of 128.
    """
    return Recipe(
        window=fitting_window(n_tokens, model, longest=64),
        batch_size=16,
        passes=min(max(5.0, long_passes(n_tokens)), TOKENS_PER_PARAMETER * model.n_params / n_tokens),
        lr=6e-3 * 128 / model.n_embd,
        schedule="linear",
        warmup=0.05,
        dropout=0.0,
        embedding_std=0.04,
        why="too long for a small model to learn by heart",
    )


def fine_tune(n_tokens: int, model: GPTConfig) -> Recipe:
    """Adapt trained weights to the text, in small steps."""
    return Recipe(
        window=fitting_window(n_tokens, model),
        batch_size=4,
        passes=10.0 if n_tokens <= BY_HEART else long_passes(n_tokens),
        lr=default_lr(model) / 10,
        schedule="cosine",
        warmup=0.05,
        dropout=0.1,
        embedding_std=GPT2_STD,
        why="from trained weights, so in small steps",
    )


def long_passes(n_tokens: int) -> float:
    """Choose the passes over a longer text: eight at 20,000 tokens, and at least one.

    There is one less each time the text is three times as long.
    """
    return max(1.0, 8.0 - math.log(n_tokens / BY_HEART, 3))


def fitting_window(n_tokens: int, model: GPTConfig, longest: int = 256) -> int:
    """Choose the window: the longest, or what cuts a text below four windows evenly.

    The last window ends where the text does. Were it to overlap the one before
    it by much, the text's end would be learnt at other places than where a
    reading from the beginning comes to it.
    """
    longest, targets = min(longest, model.n_ctx), max(1, n_tokens - 1)
    count = math.ceil(targets / longest)
    return longest if count > 4 else math.ceil(targets / count)


def default_lr(model: GPTConfig) -> float:
    """Choose the peak learning rate: 3e-4 at a width of 768, less for wider models.

    GPT-3's 125M took twice that, with batches of half a million tokens.

    Source: the trend of Brown et al., "Language Models are Few-Shot Learners" (2020), table 2.1.
    """
    return 3e-4 * 768 / model.n_embd
