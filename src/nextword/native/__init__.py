"""Kernels in C, for what PyTorch has no fast kernel for: writing token by token, and parts of training.

They are compiled on the machine that they run on, when they are first needed, and everything works without them too.
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach
from nextword.native.build import library

if TYPE_CHECKING:
    from nextword.native.network import FORMATS, Memory, Network, choose

__all__ = ["FORMATS", "Memory", "Network", "choose", "library"]

__getattr__, __dir__ = attach(
    __name__, {"FORMATS": "network", "Memory": "network", "Network": "network", "choose": "network"}
)
