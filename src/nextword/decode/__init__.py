"""Writing with a model: logits -> next id, again and again. torch is imported only by what needs it."""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.decode.batch import generate_batch, generate_batch_ids
    from nextword.decode.engine import Engine
    from nextword.decode.engines import engine_for
    from nextword.decode.loop import Notice, generate_ids
    from nextword.decode.sampling import Sampling
    from nextword.decode.torch_engine import TorchEngine
    from nextword.decode.writing import check_settings, generate, stream

__all__ = [
    "Engine",
    "Notice",
    "Sampling",
    "TorchEngine",
    "check_settings",
    "engine_for",
    "generate",
    "generate_batch",
    "generate_batch_ids",
    "generate_ids",
    "stream",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Notice": "loop",
        "Sampling": "sampling",
        "TorchEngine": "torch_engine",
        "Engine": "engine",
        "check_settings": "writing",
        "generate": "writing",
        "generate_batch": "batch",
        "generate_batch_ids": "batch",
        "generate_ids": "loop",
        "stream": "writing",
        "engine_for": "engines",
    },
)
