"""The learning rate: a straight rise to the peak, then half a cosine down."""

import math
from types import SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe

MISTAKES = (
    Mistake(
        name="starts-at-zero",
        equals="a schedule that is off by one in the warm-up: the first update's learning rate is 0",
        remedy="Rise by peak * (step + 1) / warmup: steps are counted from 0.",
        why="An update with a learning rate of 0 moves nothing, so the first batch is wasted, and the whole rise "
        "is a step late.",
    ),
    Mistake(
        name="peak-late",
        equals="a warm-up that is spread over one step more: (step + 1) / (warmup + 1)",
        remedy="Divide by warmup: the update with step = warmup - 1 is the first at the peak.",
        why="Some well-known code does so, and it harms nothing. But runs are compared by their curves, and "
        "update number `warmup` is to be the first at the peak's full height.",
    ),
    Mistake(
        name="no-warmup",
        equals="a schedule without a warm-up: the cosine begins at the first step",
        remedy="While step < warmup, return peak * (step + 1) / warmup. The cosine begins after that.",
        why="AdamW's first steps go by moments of a few gradients only. At the full learning rate they can throw "
        "a young model where it learns badly ever after.",
    ),
    Mistake(
        name="warmup-overwritten",
        equals="a schedule whose cosine also rules during the warm-up",
        remedy="Return in the warm-up, or put the cosine under else.",
        why="The cosine is symmetric, so before its beginning it falls off a little to the left too: nothing looks "
        "wrong but the start.",
    ),
    Mistake(
        name="last-misses-floor",
        equals="a schedule that is off by one at the end: the last update does not reach the floor",
        remedy="Divide by steps - 1 - warmup: the last step is steps - 1, since they are counted from 0.",
        why="n steps have n - 1 distances between them. With one more, the curve ends a step before its lowest point.",
    ),
    Mistake(
        name="cosine-over-all",
        equals="a schedule whose cosine counts from the first step instead of from the end of the warm-up",
        remedy="Subtract the warm-up from both: (step - warmup) / (steps - 1 - warmup).",
        why="Then the learning rate jumps down at the end of the warm-up, and the peak is reached by one update only.",
    ),
    Mistake(
        name="cosine-too-long",
        equals="a schedule whose cosine begins after the warm-up, but is as long as the whole run",
        remedy="Divide by the steps that are left after the warm-up: steps - 1 - warmup.",
        why="The run ends before the curve does, at a learning rate that is still too high.",
    ),
    Mistake(
        name="floor-zero",
        equals="a schedule that goes down to 0 instead of to the floor",
        remedy="Let the cosine run between 1 and floor: floor + (1 - floor) * 0.5 * (1 + cos(...)), times peak.",
        why="At a learning rate near 0 the last batches teach nothing.",
    ),
    Mistake(
        name="floor-added",
        equals="a schedule that adds the floor to a full cosine, so that it begins above the peak",
        remedy="Shrink the cosine by (1 - floor) before adding floor.",
        why="The curve must go from 1 to floor. floor + 1 is more than the peak, which was chosen as the highest rate "
        "that the model bears.",
    ),
    Mistake(
        name="floor-clamped",
        equals="a schedule that cuts off the cosine at the floor instead of ending there",
        remedy="Shrink the cosine: floor + (1 - floor) * 0.5 * (1 + cos(...)), instead of max(floor, ...).",
        why="With max() the rate falls too fast, and then stays on the floor for the last fifth of the run.",
    ),
    Mistake(
        name="floor-absolute",
        equals="a schedule that takes the floor for a learning rate, though it is a share of the peak",
        remedy="Multiply the floor by peak too.",
        why="floor is 0.1: as a learning rate that is above most peaks, so that the rate would rise.",
    ),
    Mistake(
        name="floor-fixed",
        equals="a schedule with a floor of 0.1 whatever is asked for",
        remedy="Use the argument floor instead of 0.1.",
        why="As long as everybody is content with a tenth, nothing shows.",
    ),
    Mistake(
        name="full-period",
        equals="a schedule with a whole period of the cosine: down to the floor and up again",
        remedy="Let the angle go from 0 to pi, not to 2 pi.",
        why="Half a cosine is the way down. The other half comes back up to the peak at the very end of the run, where "
        "the model should come to rest.",
    ),
    Mistake(
        name="quarter-period",
        equals="a schedule with a quarter of the cosine only",
        remedy="Let the angle go from 0 to pi, not to pi / 2.",
        why="At pi / 2 the cosine is 0, which is the middle of the way between its 1 and its -1.",
    ),
    Mistake(
        name="half-missing",
        equals="a schedule that is twice as far above the floor: the factor 0.5 is missing",
        remedy="Use 0.5 * (1 + cos(...)), which goes from 1 to 0.",
        why="1 + cos goes from 2 to 0, so the peak would be nearly doubled.",
    ),
    Mistake(
        name="one-missing",
        equals="a schedule whose cosine goes down to minus 1 instead of to 0",
        remedy="Use 0.5 * (1 + cos(...)), which goes from 1 to 0.",
        why="A negative learning rate walks uphill: it unlearns, and fast.",
    ),
    Mistake(
        name="linear",
        equals="a schedule that goes down in a straight line, where half a cosine is asked for",
        remedy="Use 0.5 * (1 + cos(pi * progress)) in the place of 1 - progress.",
        why="A line is no worse a schedule (nextword train --schedule linear follows one), but another one: the "
        "cosine, which is asked for here, stays longer near the peak and near the floor.",
    ),
    Mistake(
        name="degrees",
        equals="a schedule whose cosine is given degrees, though it takes radians",
        remedy="Use math.pi * progress, not 180 * progress.",
        why="cos(180) in radians is -0.6, after nearly 29 turns: the learning rate goes up and down at random.",
    ),
    Mistake(
        name="division-by-zero",
        equals="a schedule that divides by zero where no step is left for the cosine",
        remedy="Divide by max(1, steps - 1 - warmup).",
        why="A run of a single step, or one whose warm-up ends a step before the run, is what people try first.",
    ),
    Mistake(
        name="warmup-too-long",
        equals="a warm-up that lasts one step too long, and rises above the peak",
        remedy="Ask for step < warmup, not step <= warmup.",
        why="At step = warmup the line (step + 1) / warmup is above 1 already. And a run without warm-up divides by "
        "zero.",
    ),
    Mistake(
        name="peak-missing",
        equals="a share of the peak instead of a learning rate",
        remedy="Multiply by peak, in the warm-up and after it.",
        why="A scheduler such as LambdaLR wants a factor. Here the learning rate itself is asked for: a factor of 1 "
        "would be three thousand times too large.",
    ),
)


def reference(on: Mistakes) -> Any:
    """The schedule, with these mistakes."""

    def learning_rate(step: int, steps: int, warmup: int, peak: float, floor: float = 0.1) -> float:
        if "no-warmup" in on:
            warmup = 0
        rises = step <= warmup if "warmup-too-long" in on else step < warmup
        peak = 1.0 if "peak-missing" in on else peak
        if rises and "warmup-overwritten" not in on:
            late = 0 if "starts-at-zero" in on else 1
            return peak * (step + late) / (warmup + 1 if "peak-late" in on else warmup)
        done = step if "cosine-over-all" in on else step - warmup
        whole = steps - 1 if on & {"cosine-over-all", "cosine-too-long"} else steps - 1 - warmup
        whole += 1 if "last-misses-floor" in on else 0
        progress = done / (whole if "division-by-zero" in on else max(1, whole))
        if "floor-fixed" in on:
            floor = 0.1
        floor = floor / peak if "floor-absolute" in on else 0.0 if "floor-zero" in on else floor
        height = curve(progress)
        if "floor-clamped" in on:
            return peak * max(floor, height)
        return peak * (floor + (1.0 if "floor-added" in on else 1.0 - floor) * height)

    def curve(progress: float) -> float:
        turn = 2 * math.pi if "full-period" in on else math.pi / 2 if "quarter-period" in on else math.pi
        turn = 180.0 if "degrees" in on else turn
        cosine = 1.0 - 2.0 * progress if "linear" in on else math.cos(turn * progress)
        height = cosine if "one-missing" in on else 0.5 * (1.0 + cosine)
        return 2.0 * height if "half-missing" in on else height

    return SimpleNamespace(learning_rate=learning_rate)


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
    """Whether there is a rate at all: which one, where the first step is the last, is a matter of taste."""
    try:
        # A tensor or a numpy number is infinite or not a number where Python's would raise.
        rates = curve_of(solution, 1, 0, 1.0) + curve_of(solution, 4, 3, 1.0)
    except ZeroDivisionError:
        return "a division by zero"
    return "some rate for each step" if all(math.isfinite(rate) for rate in rates) else "a division by zero"


EXERCISE = Exercise(
    name="learning_rate",
    title="The learning rate",
    task="""\
Every update has a learning rate of its own. For `warmup` updates it rises in a straight line, while AdamW's moments
settle, and then it falls along half a cosine, so that the model comes to rest:

    step < warmup:   peak * (step + 1) / warmup
    after that:      peak * (floor + (1 - floor) * 0.5 * (1 + cos(pi * progress)))

where progress is 0 at step = warmup and 1 at the last step, which is steps - 1. Mind runs of a single step.""",
    symbols={"learning_rate": "nextword.train.plain:learning_rate"},
    stub='''
import math


def learning_rate(step: int, steps: int, warmup: int, peak: float, floor: float = 0.1) -> float:
    """@learning_rate"""
    ...
''',
    hints=(
        "Return early for step < warmup. The rest of the function then knows that the warm-up is over.",
        "From step = warmup to the last one, steps - 1, it is steps - 1 - warmup: divide by that, or by 1 if it is 0.",
        "0.5 * (1 + math.cos(math.pi * progress)) goes from 1 to 0. Stretch it so that it goes from 1 to floor.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("a run of 6 steps with a warm-up of 2, to a peak of 1", six_steps),
        Probe("a run of 12 steps with a warm-up of 3, to a peak of 0.5", twelve_steps),
        Probe("a run of 5 steps without warm-up", without_warmup),
        Probe("a floor of one half", another_floor),
        Probe("runs in which no step is left for the cosine", short_runs),
    ),
)
