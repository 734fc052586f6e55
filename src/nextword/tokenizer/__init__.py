"""Byte-level BPE, GPT-2's tokenizer and others of its kind: text -> ids -> text.

Read in this order:

    vocab.py       Vocabulary; GPT-2's 50,257 tokens, from the one file that defines them
    bpe.py         encode and decode, written out
    patterns.py    the rules by which texts are cut into pieces
    tokenizer.py   Tokenizer: the same, fast
    stream.py      StreamDecoder: text while the model is still writing
    characters.py  characters or bytes as tokens
    export.py      save_tokenizer: the files that other programs read
    directory.py   load_tokenizer: by name, or from such files, whoever wrote them
    training.py    train_vocabulary: a vocabulary of one's own, by counting.py and incremental.py
    comparison.py  how well a tokenizer fits a text
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.tokenizer.directory import load_tokenizer
    from nextword.tokenizer.export import save_tokenizer
    from nextword.tokenizer.stream import StreamDecoder
    from nextword.tokenizer.tokenizer import Tokenizer
    from nextword.tokenizer.training import train_vocabulary
    from nextword.tokenizer.vocab import GPT2, Vocabulary

__all__ = ["GPT2", "StreamDecoder", "Tokenizer", "Vocabulary", "load_tokenizer", "save_tokenizer", "train_vocabulary"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "GPT2": "vocab",
        "StreamDecoder": "stream",
        "Tokenizer": "tokenizer",
        "Vocabulary": "vocab",
        "load_tokenizer": "directory",
        "save_tokenizer": "export",
        "train_vocabulary": "training",
    },
)
