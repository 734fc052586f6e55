"""Loss scaling, by which float16 can hold gradients."""

from dataclasses import dataclass

FIRST = 65536.0
"""The first scale, 2^16."""

GROWTH_STEPS = 2000
"""Steps without an overflow after which the scale is doubled."""

LEAST = 1.0
"""Below this scale it is not the scale that makes gradients overflow."""


@dataclass
class LossScale:
    """The factor of the loss before backward, which the gradients are divided by after it.

    Float16 knows nothing between 0 and 6e-8, where many gradients are, and nothing
    above 65,504. So the loss is multiplied by a power of two as large as the
    gradients allow: where one of them overflows the step is skipped and the scale
    halved; after 2,000 steps without that it is doubled.

    value: the factor. steps: made since the last change. skipped: steps in all.

    Source: Micikevicius et al., "Mixed Precision Training" (2018), section 3.2;
    the numbers are those of PyTorch's GradScaler.
    """

    value: float = FIRST
    steps: int = 0
    skipped: int = 0

    def update(self, overflowed: bool) -> None:
        """Adapt the scale to one more step."""
        if overflowed:
            self.value, self.steps, self.skipped = self.value / 2, 0, self.skipped + 1
            return
        self.steps += 1
        if self.steps == GROWTH_STEPS:
            self.value, self.steps = self.value * 2, 0

    @property
    def is_spent(self) -> bool:
        """Whether halving it any further cannot help."""
        return self.value < LEAST


def first_skipped(step: int, scale: LossScale) -> str:
    """Describe the first step that was skipped."""
    return (
        f"Step {step} was skipped: a gradient overflowed float16. The loss scale is halved, to {scale.value:,.10g}; "
        "a few such steps at the beginning are usual."
    )


def all_skipped(steps: int, scale: LossScale) -> str:
    """Describe the steps that were skipped, at the end of a run."""
    return (
        f"{scale.skipped:,} of {steps:,} steps were skipped, whose gradients overflowed float16. "
        f"The loss scale ended at {scale.value:,.10g}."
    )
