"""Writing with a model: logits -> next id, again and again."""

from nextword.decode.loop import Notice, generate_ids
from nextword.decode.sampling import Sampling
from nextword.decode.writing import check_settings, generate, stream

__all__ = ["Notice", "Sampling", "check_settings", "generate", "generate_ids", "stream"]
