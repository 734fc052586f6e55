"""The table of weight formats, for `load` and for `nextword export --to`.

To add one, write its file, which ends with a `Format`, and give it a row here.
"""

from nextword.weights.format import Format
from nextword.weights.huggingface import HUGGINGFACE
from nextword.weights.openai import OPENAI

FORMATS: dict[str, Format] = {
    "hf": HUGGINGFACE,
    "openai": OPENAI,
}
"""Formats by their names on the command line, in the order in which a path is tried."""
