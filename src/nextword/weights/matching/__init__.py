"""Parameter matching: our names for the parameters of a user model, or of a part of one.

`places.py` says where a tensor of ours is kept in a user model, and moves numbers there and back. `units.py`
takes it apart into weights with their biases. `block_search.py`, `blocks.py`, `attention.py` and `tables.py`
decide what each of them is: by structure and shape first, then by name, then by order; and where that leaves it
open, `observation.py` looks at what the user model's own forward pass does with it.
"""

from nextword.lazy import attach
from nextword.weights.matching.matcher import KINDS, match_parameters
from nextword.weights.matching.places import Matching, MatchingError

__all__ = ["KINDS", "Matching", "MatchingError", "match_parameters"]

__getattr__, __dir__ = attach(__name__)
