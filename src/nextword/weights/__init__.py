"""Official and other people's weights: reading and writing them, format by format."""

from nextword.weights.directory import load_model
from nextword.weights.hub import fetch
from nextword.weights.huggingface import save_huggingface
from nextword.weights.tensor_file import save_tensors

__all__ = ["fetch", "load_model", "save_huggingface", "save_tensors"]
