"""User models: GPT-2s of a user's own class, trained, saved and written with like ours.

The class keeps to a small contract: `GPT(config)` builds it, where config has n_vocab, n_ctx, n_embd, n_head, n_layer
and dropout, and `forward(ids) -> logits`. Which of its parameters is which is found out by `nextword.weights.matching`.
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.user_model.contract import build
    from nextword.user_model.conversion import as_gpt, checked_gpt
    from nextword.user_model.loading import engine_of, load_user_engine, load_user_model
    from nextword.user_model.wrapper import Trainable, UserModel

__all__ = [
    "Trainable",
    "UserModel",
    "as_gpt",
    "build",
    "checked_gpt",
    "engine_of",
    "load_user_engine",
    "load_user_model",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "UserModel": "wrapper",
        "Trainable": "wrapper",
        "as_gpt": "conversion",
        "build": "contract",
        "checked_gpt": "conversion",
        "load_user_model": "loading",
        "load_user_engine": "loading",
        "engine_of": "loading",
    },
)
