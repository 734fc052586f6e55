"""The network. Needs torch, and for speed the kernels of native/: no files, no printing, no training.

The sizes (`GPTConfig`, `CONFIGS`) are `nextword.config`'s; the rest is imported when it is first used.
"""

from typing import TYPE_CHECKING

from nextword.config import CONFIGS, GPTConfig
from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.model import fused, plain
    from nextword.model.cache import KVCache
    from nextword.model.gpt import GPT
    from nextword.model.row_cache import RowCache

__all__ = ["CONFIGS", "GPT", "GPTConfig", "KVCache", "RowCache", "fused", "plain"]

__getattr__, __dir__ = attach(
    __name__, {"GPT": "gpt", "KVCache": "cache", "RowCache": "row_cache", "fused": "", "plain": ""}
)
