"""A weight format: how a path in it is known, opened and written. `formats.FORMATS` lists all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nextword.weights.stored import StoredModel

if TYPE_CHECKING:
    from nextword.model import GPT


@dataclass(frozen=True)
class Format:
    """One format of weights.

    words: what such a path is called in a message. is_at: whether a path is in
    this format, by the names of the files there. open: finds the tensors there,
    without reading their numbers and without PyTorch; raises WeightsError. save:
    writes a model into a directory; None where the format is only read.
    loader: the Python that reads what `save` wrote, with {path} for it.
    """

    words: str
    is_at: Callable[[Path], bool]
    open: Callable[[Path], StoredModel]
    save: "Callable[[GPT, Path], None] | None" = None
    loader: str = ""
