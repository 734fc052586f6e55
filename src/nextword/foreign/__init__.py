"""A GPT-2 of a user's own class, in the place of ours: trained, saved and written with as if it were.

The class keeps to a small contract: `GPT(config)` builds it, where config has n_vocab, n_ctx, n_embd, n_head, n_layer
and dropout, and `forward(ids) -> logits`. Which of its parameters is which is found out by `nextword.weights.matching`.
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.foreign.building import build
    from nextword.foreign.foreign_gpt import ForeignGPT, Model, as_gpt
    from nextword.foreign.writing import engine_of, foreign_engine, foreign_model

__all__ = ["ForeignGPT", "Model", "as_gpt", "build", "engine_of", "foreign_engine", "foreign_model"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "ForeignGPT": "foreign_gpt",
        "Model": "foreign_gpt",
        "as_gpt": "foreign_gpt",
        "build": "building",
        "foreign_model": "writing",
        "foreign_engine": "writing",
        "engine_of": "writing",
    },
)
