"""When compiling the model pays for itself in the rest of a run."""

import torch

COMPILE_SECONDS = 60.0  # what torch.compile takes for GPT-2 on a GPU, about; larger models take longer
SHARE_SAVED = 0.3  # of a step's time on a GPU: the part between the matrix products, in fewer passes
TRIAL_STEPS = 10  # made before the question is asked, so that it can be answered by measuring


def seconds_saved(device: torch.device, seconds_a_step: float, steps_left: int) -> float:
    """Estimate the seconds that compiling saves, after its own; at most 0 for a loss.

    On a CPU it never does: there our own kernels do in one pass what compiled
    code would, and nearly all of the time is in the matrix products.
    """
    return SHARE_SAVED * seconds_a_step * steps_left - COMPILE_SECONDS if can_compile(device) else 0.0


def can_compile(device: torch.device) -> bool:
    """Whether torch.compile works for this device: a GPU, with Triton."""
    return device.type == "cuda" and has_triton()


def has_triton() -> bool:
    """Whether Triton is installed, the compiler behind torch.compile on GPUs."""
    from importlib.util import find_spec

    return find_spec("triton") is not None
