"""Official and other people's weights: reading and writing them, format by format."""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.weights.assemble import load_model
    from nextword.weights.hub import fetch
    from nextword.weights.huggingface_saving import save_huggingface
    from nextword.weights.tensor_file import save_tensors

__all__ = ["fetch", "load_model", "save_huggingface", "save_tensors"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "fetch": "hub",
        "load_model": "assemble",
        "save_huggingface": "huggingface_saving",
        "save_tensors": "tensor_file",
    },
)
