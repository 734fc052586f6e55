"""What machine this is, and how to use it well."""

from nextword.runtime.allocator import keep_freed_memory
from nextword.runtime.files import replacing, sync
from nextword.runtime.machine import pick_device, pick_dtype
from nextword.runtime.memory import available_memory, readable_size
from nextword.runtime.precision import matmuls_in
from nextword.runtime.random import random_state, set_random_state

__all__ = [
    "available_memory",
    "keep_freed_memory",
    "matmuls_in",
    "pick_device",
    "pick_dtype",
    "random_state",
    "readable_size",
    "replacing",
    "set_random_state",
    "sync",
]
