"""Parameter matching: our names for the parameters of a user model, or of a part of one.

`places.py` says where a tensor of ours is kept in a user model, and moves numbers there and back. `units.py`
takes the user model apart into weights with their biases. `finding.py`, `blocks.py`, `attention.py` and `tables.py`
decide what each of them is: by structure and shape first, then by name, then by order; and where that leaves it
open, `watching.py` looks at what the user model's own forward pass does with it.
"""

from nextword.lazy import attach
from nextword.weights.matching.places import Matching, MatchingError
from nextword.weights.matching.whole import KINDS, match_parameters

__all__ = ["KINDS", "Matching", "MatchingError", "match_parameters"]

__getattr__, __dir__ = attach(__name__)
