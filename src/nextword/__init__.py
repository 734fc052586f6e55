"""GPT-2 from first principles: train it, run it, take it apart.

import nextword

model, tokenizer = nextword.load("gpt2")
print(nextword.generate(model, tokenizer, "Every effort moves you"))
"""

from typing import TYPE_CHECKING

from nextword.errors import NextwordError
from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.config import GPTConfig
    from nextword.decode import generate, stream
    from nextword.loading import load
    from nextword.model import GPT
    from nextword.tokenizer import Tokenizer
    from nextword.train import TrainConfig, Trainer

__all__ = [
    "GPT",
    "GPTConfig",
    "NextwordError",
    "Tokenizer",
    "TrainConfig",
    "Trainer",
    "generate",
    "load",
    "stream",
]

__version__ = "0.1.0"  # pyproject.toml reads it here

__getattr__, __dir__ = attach(
    __name__,
    {
        "GPT": "model",
        "GPTConfig": "config",
        "Tokenizer": "tokenizer",
        "TrainConfig": "train",
        "Trainer": "train",
        "generate": "decode",
        "load": "loading",
        "stream": "decode",
        **dict.fromkeys(("data", "decode", "evaluate", "lens", "model", "tokenizer", "train", "weights"), ""),
    },
)
