"""The machine: devices, number formats, memory, files, locks and random state."""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.runtime.allocator import keep_freed_memory
    from nextword.runtime.files import replacing, sync
    from nextword.runtime.hardware import cpu_flags, may_have_gpu
    from nextword.runtime.machine import matmuls_in, pick_device, pick_dtype
    from nextword.runtime.memory import available_memory, readable_size
    from nextword.runtime.random import random_state, set_random_state

__all__ = [
    "available_memory",
    "cpu_flags",
    "keep_freed_memory",
    "matmuls_in",
    "may_have_gpu",
    "pick_device",
    "pick_dtype",
    "random_state",
    "readable_size",
    "replacing",
    "set_random_state",
    "sync",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "available_memory": "memory",
        "cpu_flags": "hardware",
        "keep_freed_memory": "allocator",
        "matmuls_in": "machine",
        "may_have_gpu": "hardware",
        "pick_device": "machine",
        "pick_dtype": "machine",
        "random_state": "random",
        "readable_size": "memory",
        "replacing": "files",
        "set_random_state": "random",
        "sync": "files",
    },
)
