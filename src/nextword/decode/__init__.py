"""Writing with a model: logits -> next id, again and again. torch is imported only by what needs it."""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.decode.batch import generate_batch, generate_batch_ids
    from nextword.decode.loop import Notice, generate_ids
    from nextword.decode.sampling import Sampling
    from nextword.decode.torch_writer import TorchWriter
    from nextword.decode.writer import Writer, writer_for
    from nextword.decode.writing import check_settings, generate, stream

__all__ = [
    "Notice",
    "Sampling",
    "TorchWriter",
    "Writer",
    "check_settings",
    "generate",
    "generate_batch",
    "generate_batch_ids",
    "generate_ids",
    "stream",
    "writer_for",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Notice": "loop",
        "Sampling": "sampling",
        "TorchWriter": "torch_writer",
        "Writer": "writer",
        "check_settings": "writing",
        "generate": "writing",
        "generate_batch": "batch",
        "generate_batch_ids": "batch",
        "generate_ids": "loop",
        "stream": "writing",
        "writer_for": "writer",
    },
)
