"""GPT-2's tokenizer: text -> ids -> text.

Read in this order:

    vocab.py       the 50,257 tokens, from the one file that defines them
    bpe.py         encode and decode, written out
    tokenizer.py   Tokenizer: the same, fast
    stream.py      StreamDecoder: text while the model is still writing
    export.py      save_tokenizer: the files that other programs read
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.tokenizer.export import save_tokenizer
    from nextword.tokenizer.stream import StreamDecoder
    from nextword.tokenizer.tokenizer import Tokenizer

__all__ = ["StreamDecoder", "Tokenizer", "save_tokenizer"]

__getattr__, __dir__ = attach(
    __name__, {"StreamDecoder": "stream", "Tokenizer": "tokenizer", "save_tokenizer": "export"}
)
