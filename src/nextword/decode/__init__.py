"""Writing with a model: logits -> next id, again and again."""

from nextword.decode.loop import Notice, generate_ids
from nextword.decode.sampling import Sampling
from nextword.decode.writing import generate, stream

__all__ = ["Notice", "Sampling", "generate", "generate_ids", "stream"]
