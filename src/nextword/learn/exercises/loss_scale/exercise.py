"""Loss scaling: gradients that float16 can hold."""

import math
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


def half(*numbers: float) -> Tensor:
    """Make a gradient in float16."""
    return torch.tensor(numbers, dtype=torch.float16)


def seen(result: Any) -> dict[str, Any]:
    """Take a result apart: gradients, the next scale, the next steps."""
    gradients, scale, steps = result
    return {
        "gradients": None if gradients is None else [gradient.double() for gradient in gradients],
        "scale": float(scale),
        "steps": int(steps),
    }


def usual(solution: Any) -> Any:
    """Finite gradients in the middle of a run."""
    return seen(solution.unscale([half(512.0, -2048.0), half(3.0)], 1024.0, 5))


def tiny(solution: Any) -> Any:
    """Gradients that only float32 can hold, once divided; shown times the scale."""
    gradients, scale, _ = solution.unscale([half(6e-8, 0.5), half(-1e-3)], 65536.0, 5)
    return None if gradients is None else [gradient.double() * scale for gradient in gradients]


def infinite_first(solution: Any) -> Any:
    """An overflow in the first of the gradients."""
    return seen(solution.unscale([half(math.inf, 512.0), half(1.0)], 1024.0, 100))


def infinite(solution: Any) -> Any:
    """An overflow in the last of the gradients."""
    return seen(solution.unscale([half(512.0), half(1.0, -math.inf)], 1024.0, 100))


def undefined(solution: Any) -> Any:
    """A sum of two overflows of opposite signs."""
    return seen(solution.unscale([half(math.nan, 2.0), half(1.0)], 1024.0, 100))


def growing(solution: Any) -> Any:
    """Steps until the scale grows, and one after that."""
    scale, steps, told = 256.0, 1997, []
    for _ in range(4):
        told.append(seen(solution.unscale([half(512.0)], scale, steps)))
        scale, steps = told[-1]["scale"], told[-1]["steps"]
    return told


EXERCISE = exercise_in(
    __file__,
    title="Loss scaling",
    task="""\
float16 knows no number between 0 and 0.00000006, where many gradients are, and none above 65,504. So the loss is
multiplied by a large scale before backward(), which makes all gradients larger by that factor, and they are divided
by it before the update.

How large? Try: where a gradient is infinite or NaN, the scale was too large. Skip that step (return None for the
gradients), halve the scale, and count steps from 0 again. Else return the gradients divided by the scale, in float32,
and one step more; after 2,000 steps without an overflow double the scale, and count from 0 again.""",
    symbols={"unscale": "nextword.train.plain:unscale"},
    hints=(
        "gradient.isfinite().all() is False for inf, -inf and NaN; all gradients must be looked at.",
        "First gradient.float(), then divide: float16 would round the smallest ones to 0 again.",
        "The gradients belong to the old scale: divide by that, also in the step that doubles it.",
    ),
    reference="plainly",
    probes=(
        Probe("two gradients at a scale of 1,024, after 5 steps", usual),
        Probe("very small gradients at a scale of 65,536, shown times that", tiny),
        Probe("an infinite number in the first gradient", infinite_first),
        Probe("an infinite number in the second gradient", infinite),
        Probe("NaN in the first gradient", undefined),
        Probe("four steps from the 1,997th on, at a scale of 256", growing),
    ),
)
