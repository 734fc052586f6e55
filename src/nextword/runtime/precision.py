"""In which format matrix products are computed."""

import torch


def matmuls_in(dtype: torch.dtype, device: torch.device) -> torch.autocast:
    """A context in which matrix products use `dtype`, and sums over many numbers stay in float32.

    Weights keep their own float32: an update of 5e-5 on a weight of 0.02 would
    vanish among bfloat16's eight bits. float32 leaves everything as it is.

    Source: Micikevicius et al., "Mixed Precision Training" (2018), section 3.1.
    """
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)
