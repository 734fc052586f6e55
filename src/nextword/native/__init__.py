"""Run kernels in C: the engine for CPUs, and parts of a training step.

They are compiled on the machine that they run on, when they are first needed. Without them everything but quantised
weights works too, only slower.
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach
from nextword.native.build import is_compiled, library, why_not

if TYPE_CHECKING:
    from nextword.native.network import Memory, Network

__all__ = ["Memory", "Network", "is_compiled", "library", "why_not"]

__getattr__, __dir__ = attach(__name__, {"Memory": "network", "Network": "network"})
