"""GPT-2's tokenizer, and others of its kind, at full speed, by tiktoken."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, SupportsIndex

import regex
import tiktoken

from nextword.tokenizer.patterns import cut_special, pattern_named
from nextword.tokenizer.ranks import rank
from nextword.tokenizer.stream import StreamDecoder
from nextword.tokenizer.vocab import GPT2, Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# In `\s+(?!\S)` tiktoken's pattern engine remembers a way back for every character; at a million it panics.
_LONG = 100_000

_SPACE = re.compile(r"\s")


class Tokenizer:
    """Turn text into ids and back, GPT-2's unless another vocabulary is given.

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

    _ids: tuple[int, ...] | None
    _fast: tiktoken.Encoding | None = None

    def __init__(self, vocabulary: Vocabulary = GPT2) -> None:
        self.vocabulary = vocabulary
        self._fast, self._ids = _load_encoding(vocabulary)

    @property
    def n_vocab(self) -> int:
        """Count the ids."""
        return self.vocabulary.n_vocab

    @property
    def eot_id(self) -> int | None:
        """Name the id that separates documents and ends a text; None if there is none."""
        return self.vocabulary.end_of_text

    def encode(self, text: str, allow_special: bool = False) -> list[int]:
        """Encode a text. `<|endoftext|>` is the one id 50256 with `allow_special`, ordinary text without.

        Any string has ids. A lone surrogate, which is half a character, counts as U+FFFD.
        """
        if not allow_special:
            return self._encode_ordinary(text)
        ids: list[int] = []
        special = self.vocabulary.special
        for part in cut_special(text, special):
            ids += [special[part]] if part in special else self._encode_ordinary(part)
        return ids

    def encode_array(self, text: str) -> "NDArray[np.uint32]":
        """Encode a text as `encode` does, into an array, which takes an eighth of the memory."""
        import numpy as np  # only here: who writes texts needs it not

        fast = self._fast
        is_gpt2s = self.vocabulary.pattern == "gpt2"
        if fast is None or not hasattr(fast, "encode_to_numpy") or (not is_gpt2s and _has_long_run(text)):
            return np.array(self.encode(text), np.uint32)
        try:
            cut = _cut_long_white_space(text) if is_gpt2s else [text]
            parts = [fast.encode_to_numpy(part, disallowed_special=()) for part in cut]
        except UnicodeEncodeError:  # half a character, which `encode` mends
            return np.array(self.encode(text), np.uint32)
        ids = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return ids if self._id_of_rank is None else self._id_of_rank[ids]

    @cached_property
    def _id_of_rank(self) -> "NDArray[np.uint32] | None":
        import numpy as np

        return None if self._ids is None else np.array(self._ids, np.uint32)

    def encode_prompt(self, text: str) -> list[int]:
        """Encode a text to be continued: at least one id, `<|endoftext|>` being 50256.

        An empty prompt begins a fresh document: it is `<|endoftext|>` alone.

        >>> Tokenizer().encode_prompt("one<|endoftext|>two"), Tokenizer().encode_prompt("")
        ([505, 50256, 11545], [50256])

        Raises ValueError for an empty prompt where the vocabulary has no such token.
        """
        ids = self.encode(text, allow_special=True)
        if not ids:
            if self.eot_id is None:
                raise ValueError("The prompt is empty, and this vocabulary has no <|endoftext|> to begin from.")
            ids = [self.eot_id]
        return ids

    def decode(self, ids: Iterable[SupportsIndex]) -> str:
        """Decode ids (a list, or a 1-D array or tensor). Bytes that are not UTF-8 become U+FFFD.

        Raises ValueError, naming the id, if one is not an integer from 0 to n_vocab - 1.
        """
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[SupportsIndex]) -> bytes:
        """Decode ids to bytes, which may begin or end within a character. Raises as `decode` does."""
        # An array or a tensor turns into a list by itself, and much faster than item by item.
        numbers: list[Any] = ids.tolist() if hasattr(ids, "tolist") else list(ids)
        try:
            if self._ids is None and self._fast is not None:
                return self._fast.decode_bytes(numbers)
        except (KeyError, OverflowError, TypeError):
            pass  # what follows raises the error that names the id
        return b"".join(self.vocabulary.token_bytes(id) for id in numbers)

    def stream(self) -> StreamDecoder:
        """Make a decoder for ids that come one at a time."""
        return StreamDecoder(self.vocabulary)

    def __deepcopy__(self, memo: object) -> "Tokenizer":
        """Give itself: nothing in it changes."""
        return self

    def _encode_ordinary(self, text: str) -> list[int]:
        assert self._fast is not None
        ids: list[int] = []
        if self.vocabulary.pattern == "gpt2":
            for part in _cut_long_white_space(text):
                ids += self._fast.encode_ordinary(part)
        elif _has_long_run(text):
            from nextword.tokenizer import bpe  # rarely, and what it compiles takes longer than a short prompt

            for piece in bpe.split(text, self.vocabulary.pattern):
                ids += self._fast._encode_single_piece(piece)
        else:
            ids = self._fast.encode_ordinary(text)
        return ids if self._ids is None else [self._ids[rank] for rank in ids]


def _has_long_run(text: str) -> bool:
    """Say whether so much white space, or so much else, stands together that tiktoken might panic."""
    half = _LONG // 2
    blocks = (text[i : i + half] for i in range(0, len(text) - half + 1, half))
    return any(block.isspace() or not _SPACE.search(block) for block in blocks)


def _cut_long_white_space(text: str) -> Iterator[str]:
    """Cut runs of white space that are too long for tiktoken.

    It is cut only where GPT-2's pattern cuts too, so the ids stay the same: at the beginning of a run of white space,
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


@lru_cache(maxsize=8)
def _load_encoding(vocabulary: Vocabulary = GPT2) -> tuple[tiktoken.Encoding, tuple[int, ...] | None]:
    """Give tiktoken a vocabulary; beside it the id of each rank, where the ids are not ranks themselves.

    tiktoken joins two neighbours if they spell a token, the one of the lowest rank first. What training has merged
    comes out the same: see `fits_tiktoken`.
    """
    ranks, ids = rank(vocabulary)
    special = dict(vocabulary.special) if ids is None else {}
    pattern = pattern_named(vocabulary.pattern)
    return tiktoken.Encoding("nextword", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special), ids
