"""Training: from a text to weights, with everything needed to trust and repeat it.

The settings (`TrainConfig`) need no torch; the rest is imported when it is first used.
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach
from nextword.train.config import TrainConfig

if TYPE_CHECKING:
    from nextword.train.trainer import Trainer

__all__ = ["TrainConfig", "Trainer"]

__getattr__, __dir__ = attach(__name__, {"Trainer": "trainer"})
