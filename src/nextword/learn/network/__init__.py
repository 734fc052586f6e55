"""GPT-2 once more, with every known mistake behind a switch.

`on` holds the names of the mistakes to make: those of the exercises `attention`,
`mlp`, `block` and `gpt`, and, with the exercise's name before them, those of two
functions: "gelu.root-missing", "layer_norm.root-missing". `catalogue.py` has them all.

Without any this is GPT-2, in float64, under the names of `nextword.model`, and slow:
a test holds it to transformers'. What it makes of an input with one mistake is what
people's code is compared with.
"""

from nextword.lazy import attach
from nextword.learn.network.attention import ORDERS, ReferenceAttention
from nextword.learn.network.block import ReferenceBlock, ReferenceLayerNorm, ReferenceMLP
from nextword.learn.network.gpt import ReferenceGPT

__all__ = ["ORDERS", "ReferenceAttention", "ReferenceBlock", "ReferenceGPT", "ReferenceLayerNorm", "ReferenceMLP"]

__getattr__, __dir__ = attach(__name__)
