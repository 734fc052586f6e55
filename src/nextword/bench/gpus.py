"""Known GPUs: their memory, and their peak rate of dense matrix products in half precision."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """A kind of GPU. memory in bytes; peak: operations a second, dense, in dtype, added up in float32."""

    name: str
    memory: float
    peak: float
    dtype: str = "bfloat16"


GPUS = {
    "t4": Gpu("T4", 16e9, 65e12, "float16"),
    "v100": Gpu("V100", 32e9, 125e12, "float16"),
    "l4": Gpu("L4", 24e9, 121e12),
    "a10g": Gpu("A10G", 24e9, 70e12),
    "3090": Gpu("RTX 3090", 24e9, 71e12),
    "4090": Gpu("RTX 4090", 24e9, 165e12),
    "a100-40": Gpu("A100 40 GB", 40e9, 312e12),
    "a100": Gpu("A100 80 GB", 80e9, 312e12),
    "h100": Gpu("H100 SXM", 80e9, 989e12),
    "h200": Gpu("H200 SXM", 141e9, 989e12),
    "b200": Gpu("B200", 180e9, 2250e12),
}
"""By the name to ask for. Source: NVIDIA's data sheets; where these give a rate with sparsity, half of it."""

SHARE = 0.4
"""Of the peak, what training GPT-2 reaches, about: nanoGPT 0.3 (300 billion tokens in four days on eight A100, by its
README), llm.c 0.6 (10 billion in 90 minutes on the same, by its discussion 481)."""
