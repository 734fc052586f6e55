"""Byte-level BPE, GPT-2's tokenizer and others of its kind: text -> ids -> text.

Read in this order:

    vocab.py       Vocabulary; GPT-2's 50,257 tokens, from the one file that defines them
    bpe.py         encode and decode, written out
    patterns.py    the rules by which texts are cut into pieces
    tokenizer.py   Tokenizer: the same, fast
    stream.py      StreamDecoder: text while the model is still writing
    export.py      save_tokenizer: the files that other programs read
    training.py    train_vocabulary: a vocabulary of one's own, by counting.py and incremental.py
    comparison.py  how well a tokenizer fits a text
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.tokenizer.export import save_tokenizer
    from nextword.tokenizer.stream import StreamDecoder
    from nextword.tokenizer.tokenizer import Tokenizer
    from nextword.tokenizer.vocab import GPT2, Vocabulary

__all__ = ["GPT2", "StreamDecoder", "Tokenizer", "Vocabulary", "save_tokenizer"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "GPT2": "vocab",
        "StreamDecoder": "stream",
        "Tokenizer": "tokenizer",
        "Vocabulary": "vocab",
        "save_tokenizer": "export",
    },
)
