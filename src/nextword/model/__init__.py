"""The network. Needs torch and nothing else: no files, no printing, no training.

The shapes (`GPTConfig`, `CONFIGS`) do not even need torch; the rest is imported when it is first used.
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach
from nextword.model.config import CONFIGS, GPTConfig

if TYPE_CHECKING:
    from nextword.model import fused, plain
    from nextword.model.cache import KVCache, RowCache
    from nextword.model.gpt import GPT

__all__ = ["CONFIGS", "GPT", "GPTConfig", "KVCache", "RowCache", "fused", "plain"]

__getattr__, __dir__ = attach(
    __name__, {"GPT": "gpt", "KVCache": "cache", "RowCache": "cache", "fused": "", "plain": ""}
)
