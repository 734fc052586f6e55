"""Keep freed memory for the next step instead of handing it back to the kernel."""

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # from glibc's malloc.h


def keep_freed_memory() -> bool:
    """Tell glibc to reuse large buffers; say whether it could be told.

    A training step frees gigabytes of activations, and the next one asks for
    the same again. By default glibc returns buffers above 32 MiB to the kernel
    at once, which then clears each page anew: a large part of a step on a CPU.
    The price is that the process holds its peak memory until it ends, so this
    is for our own processes (the command line, the trainer), never for import.

    Source: mallopt(3).
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, -1))
