"""Whether a run's losses are normal, in a sentence, and what usually is wrong where they are not."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from nextword.curves.curve import Curve
from nextword.curves.expected import band, expected_share, first_loss, frequencies

FEWEST_UPDATES = 50
"""With fewer nobody can tell, unless the first loss or a number that is none says it."""

TOO_GOOD = 0.3
"""So far below what is expected, in shares of the entropy of frequencies, even easy texts are not so soon: stories for
small children in few words lie some 0.2 below."""

NORMAL = ("normal", "by heart", "fine-tuned", "too short")
"""The kinds of verdict that say nothing is wrong."""


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a run. kind: in two words, for tables. sentence: what is seen. remedy: where to look."""

    kind: str
    sentence: str
    remedy: str = ""

    @property
    def is_normal(self) -> bool:
        """Whether nothing is wrong, as far as losses tell."""
        return self.kind in NORMAL

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()


def judge(curve: Curve) -> Verdict:
    """Say what a run's losses tell: the first of all signs that is there, the surest ones first."""
    for sign in SIGNS:
        if (verdict := sign(curve)) is not None:
            return verdict
    return on_the_band(curve)


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


def nothing(curve: Curve) -> Verdict | None:
    """Look for a log without losses."""
    if curve.train or curve.val:
        return None
    return Verdict("too short", "Nobody can tell yet: no loss has been measured.")


def at_the_start(curve: Curve) -> Verdict | None:
    """Hold the first loss against ln V."""
    first, known = first_loss(curve.circumstances), starting_loss(curve)
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
    if known > first + 1.5 + 0.05 * first:
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


def rising(curve: Curve) -> Verdict | None:
    """Look for a training loss that went up and stays there."""
    lowest, now, first = lowest_average(curve), curve.train_now(), starting_loss(curve)
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


def too_good(curve: Curve) -> Verdict | None:
    """Look for losses below what any model of text reaches so soon."""
    loss, expected = unseen_loss(curve), band(curve.step, curve.circumstances)
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


def learnt_by_heart(curve: Curve) -> Verdict | None:
    """Look for a training loss that has left the validation loss behind."""
    best, now = curve.best_val, curve.train_now()
    entropy = frequencies(curve.circumstances)
    if best is None or now is None or len(curve.val) < 2 or entropy is None:
        return None
    last, passes = curve.val[-1][1], curve.passes
    gap = last - now
    if passes is not None and passes < 1.5:
        if gap < 0.25 * entropy:
            return None
    elif gap < 0.15 * entropy or (last < best + 0.1 and gap < 0.4 * entropy):
        return None
    at = next(step for step, loss in curve.val if loss == best)
    seen = f"The training loss, {now:.2f}, has left the validation loss, {last:.2f}, behind"
    if passes is not None and passes < 1.5:
        return Verdict(
            "gap too soon",
            f"{seen} before the text was read {'once' if passes < 1 else 'twice'}.",
            "Usual causes: the same batch again and again, a training text that repeats itself, or a validation text "
            "of another kind (another language, another tokenizer, unshifted targets).",
        )
    often = f" after {passes:,.0f} passes" if passes is not None else ""
    return Verdict(
        "by heart",
        f"{seen}{often}: the model learns its text by heart, which is normal for a text that is short for it; as a "
        f"model of the language it was best at step {at} ({best:.2f}).",
        "More text, dropout, a smaller model or an earlier end would help, if that is what you want.",
    )


def too_short(curve: Curve) -> Verdict | None:
    """Say that nobody can tell, of a run with few updates."""
    if curve.step - curve.circumstances.warmup >= FEWEST_UPDATES:
        return None
    first, known = first_loss(curve.circumstances), starting_loss(curve)
    begins = f"; it begins at {known:.2f}, where it should (ln V = {first:.2f})" if first and known else ""
    return Verdict("too short", f"Nobody can tell yet: {curve.step} updates are too few, warm-up taken off{begins}.")


def unknown(curve: Curve) -> Verdict | None:
    """Say of a run with trained weights, or an unknown vocabulary, only what can be said."""
    if curve.circumstances.fine_tuned:
        known, now = starting_loss(curve), unseen_loss(curve)
        return Verdict(
            "fine-tuned",
            f"It began with trained weights, at {known:.2f}, and is at {now:.2f}: what is normal there depends on "
            "these weights and the text; it should fall fast and then flatten, and does not rise.",
        )
    if band(curve.step, curve.circumstances) is None:
        return Verdict(
            "too short",
            "Nobody can tell: neither the vocabulary nor the loss before the first update is known.",
            "Say how many tokens there are: --vocab-size.",
        )
    return None


def shot_up(curve: Curve) -> Verdict | None:
    """Look for a training loss that was once far above its beginning, and has not got into the band since."""
    start, loss, expected = starting_loss(curve), unseen_loss(curve), band(curve.step, curve.circumstances)
    highest = max((loss for _, loss in curve.train), default=0.0)
    if start is None or loss is None or expected is None or loss <= expected[1] or highest < 1.1 * start + 0.2:
        return None
    return Verdict(
        "rate too high",
        f"The training loss shot up at first, to {highest:.2f}, and has not recovered: it is at {loss:.2f}, and "
        f"{expected[1]:.2f} or less is usual.",
        "Usual causes: a learning rate that is too high or has no warm-up, or gradients that are not cleared before "
        "each backward pass. Try a third of the rate.",
    )


def at_a_standstill(curve: Curve) -> Verdict | None:
    """Look for a loss that stays where it began, or at the frequencies of single tokens."""
    first, entropy, loss = first_loss(curve.circumstances), frequencies(curve.circumstances), unseen_loss(curve)
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
    if 0.93 < share < 1.04 and expected_share(curve.step, curve.circumstances) < 0.8 and is_flat(curve, entropy):
        return Verdict(
            "frequencies only",
            f"The loss stays at {loss:.2f}, where a model stands that knows only how frequent each token is "
            f"({'' if curve.circumstances.frequencies is not None else 'about '}{entropy:.2f}).",
            "What stands before a token does not help it. Usual causes: inputs and targets that do not belong "
            "together (shuffled, or shapes mixed up), attention or positions that do nothing, a residual connection "
            "that is missing, dropout near 1, or a learning rate far too high or low.",
        )
    return None


def too_slow(curve: Curve) -> Verdict | None:
    """Look for a loss above the band."""
    loss, expected = unseen_loss(curve), band(curve.step, curve.circumstances)
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


def on_the_band(curve: Curve) -> Verdict:
    """Say that the run is where it should be."""
    loss, expected = unseen_loss(curve), band(curve.step, curve.circumstances)
    assert loss is not None
    assert expected is not None
    now = curve.train_now()
    if loss > expected[1] and now is not None:
        return Verdict(
            "normal",
            f"In training a loss of {now:.2f} after {curve.step:,} updates is normal (up to {expected[1]:.2f} is "
            f"usual); the validation text, at {loss:.2f}, is harder for it: of another kind, or the training text is "
            "short.",
        )
    bits = curve.bits_per_byte(loss)
    in_bits = f" ({bits:.2f} bits a byte)" if bits is not None else ""
    if loss < expected[0]:
        return Verdict(
            "normal",
            f"A loss of {loss:.2f}{in_bits} after {curve.step:,} updates is better than usual ({expected[0]:.2f} to "
            f"{expected[1]:.2f}), as it is for a text that is easy or repeats itself. If this one does not, see to it "
            "that the model cannot see what it is to predict.",
        )
    return Verdict(
        "normal",
        f"A loss of {loss:.2f}{in_bits} after {curve.step:,} updates is normal: between {expected[0]:.2f} and "
        f"{expected[1]:.2f} is usual for such a run.",
    )


SIGNS: tuple[Callable[[Curve], Verdict | None], ...] = (
    no_number,
    nothing,
    at_the_start,
    too_good,
    rising,
    learnt_by_heart,
    too_short,
    unknown,
    shot_up,
    at_a_standstill,
    too_slow,
)
"""What is looked for, in this order: what explains more comes first."""


def starting_loss(curve: Curve) -> float | None:
    """Take the loss before the first update, or at it: the validation text's, or the first batch's."""
    early = [point for point in curve.points if point.step <= 1]
    losses = [loss for point in early for loss in (point.val, point.train) if loss is not None and math.isfinite(loss)]
    return losses[0] if losses else None


def unseen_loss(curve: Curve) -> float | None:
    """Take the loss on text that was not learnt from: the validation loss, or, in a first pass, the training loss."""
    if curve.val and curve.val[-1][0] >= 0.5 * curve.step:
        return curve.val[-1][1]
    now = curve.train_now()
    return now if now is not None else curve.val[-1][1] if curve.val else None


def lowest_average(curve: Curve) -> float | None:
    """Find the lowest mean over a twentieth of the training losses, so that a lucky batch is none."""
    losses = [loss for _, loss in curve.train]
    width = max(3, len(losses) // 20)
    means = [fmean(losses[at : at + width]) for at in range(0, len(losses) - width + 1, max(1, width // 2))]
    return min(means, default=None)


def is_flat(curve: Curve, entropy: float) -> bool:
    """Whether the loss hardly fell over the last half of the run."""
    losses = curve.val if len(curve.val) >= 4 else curve.train
    later = [loss for step, loss in losses if step >= 0.5 * curve.step]
    if len(later) < 2:
        return False
    half = len(later) // 2
    return fmean(later[:half]) - fmean(later[half:]) < 0.03 * entropy
