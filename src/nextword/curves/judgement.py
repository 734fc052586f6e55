"""The judgement on a loss curve: the first of all signs that is found."""

import math
from collections.abc import Callable

from nextword.curves.curve import Curve
from nextword.curves.expected import band, first_loss, frequencies
from nextword.curves.faults import (
    FEWEST_UPDATES,
    at_a_standstill,
    at_the_start,
    no_number,
    rising,
    shot_up,
    too_good,
    too_slow,
)
from nextword.curves.verdict import Verdict


def judge(curve: Curve) -> Verdict:
    """Judge a run's losses by the first sign found, the surest ones first."""
    for sign in SIGNS:
        if (verdict := sign(curve)) is not None:
            return verdict
    return on_the_band(curve)


def nothing(curve: Curve) -> Verdict | None:
    """Look for a log without losses."""
    if curve.train or curve.val:
        return None
    return Verdict("too short", "Nobody can tell yet: no loss has been measured.")


def learnt_by_heart(curve: Curve) -> Verdict | None:
    """Look for a training loss that has left the validation loss behind."""
    best, now = curve.best_val, curve.train_now()
    entropy = frequencies(curve.circumstances)
    if best is None or now is None or len(curve.val) < 2 or entropy is None:
        return None
    last, passes = curve.val[-1][1], curve.passes
    gap = last - now
    if passes is not None and passes < 1.5:
        if gap < 0.25 * entropy or curve.step < FEWEST_UPDATES:
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
    first, known = first_loss(curve.circumstances), curve.start
    begins = f"; it begins at {known:.2f}, where it should (ln V = {first:.2f})" if first and known else ""
    return Verdict(
        "too short", f"Nobody can tell yet: fewer than {FEWEST_UPDATES} updates were made after the warm-up{begins}."
    )


def unknown(curve: Curve) -> Verdict | None:
    """Say of a run with trained weights, or an unknown vocabulary, only what can be said."""
    if curve.circumstances.fine_tuned:
        known, now = curve.start, curve.unseen
        return Verdict(
            "fine-tuned",
            f"It began with trained weights, at {known:.2f}, and is at {now:.2f}: what is normal there depends on "
            "these weights and the text; it should fall fast and then flatten, and does not rise.",
        )
    if band(curve.step, curve.circumstances) is None:
        return Verdict(
            "unknown",
            "Nobody can tell: neither the vocabulary nor the loss before the first update is known.",
            "Say how many tokens there are: --vocab-size.",
        )
    return None


def on_the_band(curve: Curve) -> Verdict:
    """Say that nothing is wrong."""
    loss, expected = curve.unseen, band(curve.step, curve.circumstances)
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
    behind = ""
    if now is not None and loss - now > 0.15 * (frequencies(curve.circumstances) or math.inf):
        behind = (
            f" In training it is {now:.2f}: the validation text is another kind of text, or learning by heart begins."
        )
    return Verdict(
        "normal",
        f"A loss of {loss:.2f}{in_bits} after {curve.step:,} updates is normal: between {expected[0]:.2f} and "
        f"{expected[1]:.2f} is usual for such a run.{behind}",
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
