"""The faults that show in a loss curve, and their usual causes: each function looks for one."""

import math
from collections.abc import Sequence

from nextword.curves.curve import Curve
from nextword.curves.expected import band, expected_share, first_loss, frequencies
from nextword.curves.verdict import Verdict

FEWEST_UPDATES = 50
"""With fewer nobody can tell, unless the first loss or a number that is none says it."""

TOO_GOOD = 0.3
"""So far below what is expected, in shares of the entropy of frequencies, even easy texts are not so soon: stories for
small children in few words lie some 0.2 below."""


def no_number(curve: Curve) -> Verdict | None:
    """Look for losses that are NaN or infinite."""
    step = curve.not_finite
    if step is None:
        return None
    return Verdict(
        "not finite",
        f"The loss stops being a number at step {step}.",
        "Usual causes: a learning rate that is too high, no warm-up, no clipping, float16 without loss scaling, or a "
        "division by zero and a softmax over nothing in a model of one's own.",
    )


def at_the_start(curve: Curve) -> Verdict | None:
    """Hold the first loss against ln V."""
    first, known = first_loss(curve.circumstances), curve.start
    if known is None or curve.circumstances.fine_tuned:
        return None
    if first is None:  # no vocabulary has 400,000 tokens
        first = 13.0
        if known < first:
            return None
    n_vocab = curve.circumstances.n_vocab
    vocabulary = f"ln {n_vocab} = {first:.2f}" if n_vocab else "the logarithm of any vocabulary"
    if abs(known / first * math.log(2.0) - 1.0) < 0.03:
        return Verdict(
            "bits",
            f"It begins at {known:.2f}, which is the base-2 logarithm of the vocabulary: these losses are bits, "
            "where nats, 0.69 times as many, are usual.",
            "Use the natural logarithm: cross_entropy does.",
        )
    if known > first + 1.5 + 0.05 * first + curve.circumstances.own_score:
        return Verdict(
            "starts too high",
            f"It begins at {known:.2f}, far above {vocabulary}: before the first update the model is sure of what is "
            "wrong.",
            "Usual causes: weights drawn too wide (a deviation of 1 is PyTorch's default for embeddings, GPT-2's is "
            "0.02), a loss that is a sum instead of a mean, a final LayerNorm left out, or another tokenizer's ids.",
        )
    if known < first - 0.5 - 0.02 * first:
        return Verdict(
            "starts too low",
            f"It begins at {known:.2f}, below {vocabulary}, which an untrained model cannot reach.",
            "Either it began with trained weights, or the vocabulary is another one, or the loss is divided once too "
            "often (by accumulation steps, say), or targets are in sight of the model.",
        )
    return None


def too_good(curve: Curve) -> Verdict | None:
    """Look for losses below what any model of text reaches so soon."""
    loss, expected = curve.unseen, band(curve.step, curve.circumstances)
    entropy = frequencies(curve.circumstances)
    if loss is None or expected is None or entropy is None or curve.step < FEWEST_UPDATES:
        return None
    possible = entropy * (expected_share(curve.step, curve.circumstances) - TOO_GOOD)
    if loss > max(possible, 0.03 * entropy):
        return None
    bits = curve.bits_per_byte(loss)
    in_bits = f" ({bits:.2f} bits a byte)" if bits is not None else ""
    passes = curve.passes or 0.0
    if passes >= 3.0 and curve.val:
        return Verdict(
            "validation known",
            f"The validation loss, {loss:.2f}{in_bits}, follows the training loss far below what unread text costs "
            f"({expected[0]:.2f} at least): the model knows its validation text.",
            "Usual causes: the validation text is part of the training text, or repeats it; else the model sees the "
            "token that it is to predict. A text that says the same over and over does this too.",
        )
    return Verdict(
        "leak",
        f"A loss of {loss:.2f}{in_bits} after {curve.step:,} updates is too good to be true: "
        f"{expected[0]:.2f} would be very good.",
        "The model sees what it is to predict. Usual causes: targets that are not shifted by one token, inputs and "
        "targets exchanged, a causal mask that is missing or reversed; else a text that repeats itself.",
    )


def rising(curve: Curve) -> Verdict | None:
    """Look for a training loss that went up and stays there."""
    lowest, now, first = curve.lowest_average, curve.train_now(), curve.start
    if lowest is None or now is None or first is None or len(curve.train) < 10:
        return None
    scale = frequencies(curve.circumstances) or first
    if now < max(lowest + 0.12 * scale, 0.3 * scale) and now < first + 0.3:
        return None
    return Verdict(
        "rate too high",
        f"The training loss has risen: {now:.2f} over the last steps, from {min(lowest, first):.2f} at its lowest.",
        "Usual causes: a learning rate that is too high or has no warm-up, gradients that are not cleared before each "
        "backward pass, or no clipping. Try a third of the rate.",
    )


def shot_up(curve: Curve) -> Verdict | None:
    """Look for a training loss that once shot up, and never got into the band."""
    start, loss, expected = curve.start, curve.unseen, band(curve.step, curve.circumstances)
    highest = nth_highest(curve.train, 3)  # one batch may be of another kind than the rest of the text
    if start is None or loss is None or expected is None or loss <= expected[1] or highest < 1.1 * start + 0.2:
        return None
    return Verdict(
        "rate too high",
        f"The training loss shot up at first, to {highest:.2f}, and has not recovered: it is at {loss:.2f}, and "
        f"{expected[1]:.2f} or less is usual.",
        "Usual causes: a learning rate that is too high or has no warm-up, or gradients that are not cleared before "
        "each backward pass. Try a third of the rate.",
    )


def nth_highest(losses: Sequence[tuple[int, float]], n: int) -> float:
    """Find the n-th highest loss, or the lowest of fewer."""
    return min(sorted((loss for _, loss in losses), reverse=True)[:n], default=0.0)


def at_a_standstill(curve: Curve) -> Verdict | None:
    """Look for a loss that stays at its beginning, or at the frequencies of single tokens."""
    first, entropy, loss = first_loss(curve.circumstances), frequencies(curve.circumstances), curve.unseen
    if first is None or entropy is None or loss is None:
        return None
    if loss > first - 0.4 * (first - entropy) - 0.02 * first and curve.step > 2 * FEWEST_UPDATES:
        return Verdict(
            "stays at the start",
            f"After {curve.step:,} updates the loss is {loss:.2f}, hardly below ln {curve.circumstances.n_vocab} = "
            f"{first:.2f}: nothing is learnt.",
            "Usual causes: optimizer.step() that is never called or has other parameters, a learning rate near zero, "
            "a softmax before cross_entropy (which takes logits), or gradients that are cut.",
        )
    now = curve.train_now()
    share = min(loss, loss if now is None else now) / entropy
    if (
        0.93 < share < 1.04
        and expected_share(curve.step, curve.circumstances) < 0.8
        and curve.falls_by() < 0.03 * entropy
    ):
        return Verdict(
            "frequencies only",
            f"The loss stays at {loss:.2f}, where a model stands that knows only how frequent each token is "
            f"({'' if curve.circumstances.frequencies is not None else 'about '}{entropy:.2f}).",
            "What stands before a token does not help it. Usual causes: inputs and targets that do not belong "
            "together (shuffled, or shapes mixed up), attention or positions that do nothing, a residual connection "
            "that is missing, dropout near 1, or a learning rate far too high or low; else a text like DNA, in which "
            "it says little.",
        )
    return None


def too_slow(curve: Curve) -> Verdict | None:
    """Look for a loss above the band."""
    loss, expected = curve.unseen, band(curve.step, curve.circumstances)
    now = curve.train_now()
    if loss is None or expected is None or min(loss, loss if now is None else now) <= expected[1]:
        return None
    if now is not None and curve.val and now > curve.val[-1][1] + 0.06 * loss:
        return Verdict(
            "learns too slowly",
            f"A loss of {loss:.2f} after {curve.step:,} updates is high: {expected[1]:.2f} or less is usual. In "
            f"training it is {now:.2f}, well above validation.",
            "Dropout makes training much harder than validation here: 0.1 or 0.2 is usual.",
        )
    return Verdict(
        "learns too slowly",
        f"A loss of {loss:.2f} after {curve.step:,} updates is high: {expected[1]:.2f} or less is usual.",
        "Usual causes: a learning rate that is too low (or so high that nothing settles), much dropout, targets that "
        "are shifted twice, a batch that is very small, or text that is noise or of many languages.",
    )
