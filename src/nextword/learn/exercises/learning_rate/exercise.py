"""The learning rate: a straight rise to the peak, then half a cosine down."""

import math
from typing import Any

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


def curve_of(solution: Any, steps: int, warmup: int, peak: float, **floor: float) -> list[float]:
    """The learning rates of a whole run."""
    return [float(solution.learning_rate(step, steps, warmup, peak, **floor)) for step in range(steps)]


def six_steps(solution: Any) -> Any:
    """Two steps up, and four on the cosine."""
    return curve_of(solution, 6, 2, 1.0)


def twelve_steps(solution: Any) -> Any:
    """A peak that is not 1."""
    return curve_of(solution, 12, 3, 0.5)


def without_warmup(solution: Any) -> Any:
    """The cosine alone."""
    return curve_of(solution, 5, 0, 1.0)


def another_floor(solution: Any) -> Any:
    """Down to the half, so that the cosine's middle is at three quarters."""
    return curve_of(solution, 6, 1, 2.0, floor=0.5)


def short_runs(solution: Any) -> Any:
    """Whether runs of one step have a rate at all; its height is a matter of taste."""
    try:
        # A tensor or a numpy number is infinite or not a number where Python's would raise.
        rates = curve_of(solution, 1, 0, 1.0) + curve_of(solution, 4, 3, 1.0)
    except ZeroDivisionError:
        return "a division by zero"
    return "some rate for each step" if all(math.isfinite(rate) for rate in rates) else "a division by zero"


EXERCISE = exercise_in(
    __file__,
    title="The learning rate",
    task="""\
Every update has a learning rate of its own. For `warmup` updates it rises in a straight line, while AdamW's moments
settle, and then it falls along half a cosine, so that the model comes to rest:

    step < warmup:   peak * (step + 1) / warmup
    after that:      peak * (floor + (1 - floor) * 0.5 * (1 + cos(pi * progress)))

where progress is 0 at step = warmup and 1 at the last step, which is steps - 1. Mind runs of a single step.""",
    symbols={"learning_rate": "nextword.train.plain:learning_rate"},
    hints=(
        "Return early for step < warmup. The rest of the function then knows that the warm-up is over.",
        "From step = warmup to the last one, steps - 1, it is steps - 1 - warmup: divide by that, or by 1 if it is 0.",
        "0.5 * (1 + math.cos(math.pi * progress)) goes from 1 to 0. Stretch it so that it goes from 1 to floor.",
    ),
    reference="early_return",
    probes=(
        Probe("a run of 6 steps with a warm-up of 2, to a peak of 1", six_steps),
        Probe("a run of 12 steps with a warm-up of 3, to a peak of 0.5", twelve_steps),
        Probe("a run of 5 steps without warm-up", without_warmup),
        Probe("a floor of one half", another_floor),
        Probe("runs in which no step is left for the cosine", short_runs),
    ),
)
