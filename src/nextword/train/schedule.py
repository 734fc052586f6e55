"""Learning-rate schedules: a rise over the warm-up, then one of several curves down.

To add a curve, write its function and give it a name in `SCHEDULES`: `--schedule` and `TrainConfig` know it then.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass


def cosine(progress: float) -> float:
    """Fall along half a cosine. Source: Loshchilov and Hutter, "SGDR" (2017), equation 5."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    """Fall in a straight line, to zero unless told otherwise.

    Source: Devlin et al., "BERT" (2018), appendix A.2; for the zero Bergsma et
    al., "Straight to Zero" (2025).
    """
    return 1.0 - progress


def constant(progress: float) -> float:
    """Stay at the peak."""
    return 1.0


@dataclass(frozen=True)
class Schedule:
    """A curve, and the defaults of `lr_fall` and `lr_floor` for it.

    curve: the share of the fall that is done (0 to 1) -> the height that is
    left, 1 at first. fall: the last share of the run after the warm-up, over
    which it falls; before, the rate is the peak. floor: what is left at the
    end, as a share of the peak.
    """

    curve: Callable[[float], float]
    fall: float = 1.0
    floor: float = 0.1


SCHEDULES = {
    "cosine": Schedule(cosine),
    "linear": Schedule(linear, floor=0.0),
    "constant": Schedule(constant, floor=1.0),
    "wsd": Schedule(cosine, fall=0.3),
}
"""The schedules by name. wsd (warm-up, stable, decay) is that of Hu et al., "MiniCPM" (2024), section 4."""


def learning_rate(
    step: int, steps: int, warmup: int, peak: float, floor: float = 0.1, fall: float = 1.0, schedule: str = "cosine"
) -> float:
    """Compute the learning rate of one update: the warm-up's, then the schedule's.

    step counts from 0 to steps - 1. The first update already moves, by
    peak / warmup; update number `warmup` is the first at the peak's full
    height, and the last one has `floor` times the peak.

    Source: warm-up and the floor of a tenth as in Brown et al. (2020), appendix B.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    height = SCHEDULES[schedule].curve(fall_progress(step, warmup, steps - 1, fall))
    return peak * (floor + (1.0 - floor) * height)


def fall_progress(step: int, start: int, last: int, fall: float) -> float:
    """Compute the share of the fall that is done, from 0 to 1.

    It takes the last share `fall` of the steps from `start` to `last`.
    """
    begin = start + (1.0 - fall) * (last - start)
    return max(0.0, step - begin) / (last - begin) if last > begin else 0.0
