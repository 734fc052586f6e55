"""GPT-2's tokenizer at full speed, by tiktoken, with our own vocabulary."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, SupportsIndex

import regex
import tiktoken

from nextword.tokenizer.stream import StreamDecoder
from nextword.tokenizer.vocab import END_OF_TEXT, END_OF_TEXT_ID, N_VOCAB, load_ids, token_bytes

# These pieces are those of bpe.PATTERN. `++` (never give back what was matched) and the extra case for white
# space at the end of the text change only how much time and memory a long run of one kind of character takes.
PATTERN = r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s+"

# In `\s+(?!\S)` tiktoken's pattern engine remembers a way back for every character; at a million it panics.
_LONG = 100_000


class Tokenizer:
    """Turn text into GPT-2's ids and back.

    `<|endoftext|>`, the mark between two documents, has one reading wherever a text comes from a user: a
    prompt (`encode_prompt`, in Python, on the command line, over HTTP and on the page) and a training text
    (its documents are cut there) have the one id 50256 for it, as transformers' GPT-2 tokenizer has.
    `encode` itself, on which they stand, spells it like any other text unless it is told not to.

    >>> tokenizer = Tokenizer()
    >>> tokenizer.encode("Hello, I'm a language model,")
    [15496, 11, 314, 1101, 257, 3303, 2746, 11]
    >>> tokenizer.decode([15496, 11, 314, 1101])
    "Hello, I'm"
    """

    n_vocab = N_VOCAB
    eot_id = END_OF_TEXT_ID

    def __init__(self) -> None:
        self._fast = _load_encoding()

    def encode(self, text: str, allow_special: bool = False) -> list[int]:
        """Encode a text. `<|endoftext|>` is the one id 50256 with `allow_special`, ordinary text without.

        Any string has ids. A lone surrogate, which is half a character, counts as U+FFFD.
        """
        if not allow_special:
            return self._encode_ordinary(text)
        first, *others = (self._encode_ordinary(document) for document in text.split(END_OF_TEXT))
        for ids in others:
            first += [END_OF_TEXT_ID, *ids]
        return first

    def encode_prompt(self, text: str) -> list[int]:
        """Encode a text to be continued: at least one id, `<|endoftext|>` being 50256.

        An empty prompt begins a fresh document: it is `<|endoftext|>` alone.

        >>> Tokenizer().encode_prompt("one<|endoftext|>two"), Tokenizer().encode_prompt("")
        ([505, 50256, 11545], [50256])
        """
        return self.encode(text, allow_special=True) or [self.eot_id]

    def decode(self, ids: Iterable[SupportsIndex]) -> str:
        """Decode ids (a list, or a 1-D array or tensor). Bytes that are not UTF-8 become U+FFFD.

        Raises ValueError, naming the id, if one is not an integer from 0 to 50256.
        """
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[SupportsIndex]) -> bytes:
        """Decode ids to bytes, which may begin or end within a character. Raises as `decode` does."""
        # An array or a tensor turns into a list by itself, and much faster than item by item.
        numbers: list[Any] = ids.tolist() if hasattr(ids, "tolist") else list(ids)
        try:
            return self._fast.decode_bytes(numbers)
        except (KeyError, OverflowError, TypeError):
            return b"".join(token_bytes(id) for id in numbers)  # raises the error that names the id

    def stream(self) -> StreamDecoder:
        """Make a decoder for ids that come one at a time."""
        return StreamDecoder()

    def _encode_ordinary(self, text: str) -> list[int]:
        ids: list[int] = []
        for part in _cut_long_white_space(text):
            ids += self._fast.encode_ordinary(part)
        return ids


def _cut_long_white_space(text: str) -> Iterator[str]:
    """Cut runs of white space that are too long for tiktoken.

    It is cut only where PATTERN cuts too, so the ids stay the same: at the beginning of a run of white space,
    and before its last character if a word follows.
    """
    start, half = 0, _LONG // 2
    # A long run covers one of these blocks whole. Most blocks rule that out at their first character or two.
    if any(text[i : i + half].isspace() for i in range(0, len(text), half)):
        for run in regex.finditer(rf"(?<!\s)\s{{{_LONG},}}+", text):  # compiled only where it is needed: that is slow
            if run.end() < len(text):
                yield text[start : run.start()]
                yield text[run.start() : run.end() - 1]
                start = run.end() - 1
    yield text[start:]


@cache
def _load_encoding() -> tiktoken.Encoding:
    return tiktoken.Encoding(
        name="gpt2",
        pat_str=PATTERN,
        mergeable_ranks=load_ids(),  # the earlier merge has the smaller id, so the ids rank the merges
        special_tokens={END_OF_TEXT: END_OF_TEXT_ID},
    )
