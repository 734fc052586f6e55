"""A tokenizer's fit to a text: bytes a token and tokens a word, by script."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import regex
from numpy.typing import NDArray

from nextword.tokenizer.tokenizer import Tokenizer

SPACED = (
    *("Latin", "Cyrillic", "Greek", "Armenian", "Georgian", "Hebrew", "Arabic", "Ethiopic", "Hangul"),
    *("Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala"),
)
UNSPACED = ("Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan")
"""Scripts without spaces between words: their tokens are counted for each letter instead."""

SCRIPTS = (*SPACED, *UNSPACED)
OTHER, REST = "other scripts", "digits, signs, space"
NAMES = (REST, *SCRIPTS, OTHER)


@dataclass(frozen=True)
class MeasuredText:
    """Hold a text to measure on, with the script of each byte and the words of each script.

    n_words: words by script, or letters where a script has no spaces between words.
    scripts (n_bytes,): places in `NAMES`; 0 where a byte is of no letter.
    """

    text: str
    scripts: NDArray[np.uint8]
    n_words: dict[str, int]


@dataclass(frozen=True)
class Fit:
    """What a tokenizer makes of the text in one script, or of all of it.

    n_words: words, or letters where a script has no spaces between words.
    """

    n_bytes: int
    n_tokens: int
    n_words: int

    @property
    def bytes_a_token(self) -> float:
        """How long a token is."""
        return self.n_bytes / max(self.n_tokens, 1)

    @property
    def tokens_a_word(self) -> float:
        """How many tokens a word takes, or a letter."""
        return self.n_tokens / max(self.n_words, 1)


def read_scripts(text: str) -> MeasuredText:
    """Find the script of each letter, and count words: stretches of letters and marks of one script.

    >>> read_scripts("two words, 中文").n_words
    {'Latin': 2, 'Han': 2}
    """
    text = text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")  # as `bpe.split` reads it
    letters = np.zeros(len(text), np.uint8)
    n_words = {}
    for place, name in enumerate(NAMES[1:], start=1):
        words = [found.span() for found in pattern(name).finditer(text)]
        for start, end in words:
            letters[start:end] = place
        if words:
            n_words[name] = sum(end - start for start, end in words) if name in UNSPACED else len(words)
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    widths = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    return MeasuredText(text, np.repeat(letters, widths), n_words)


@cache
def pattern(name: str) -> regex.Pattern[str]:
    """Make the pattern of a script's words."""
    if name == OTHER:
        others = "".join(rf"\p{{Script={one}}}" for one in SCRIPTS)
        return regex.compile(rf"[\p{{L}}--[{others}]][\p{{L}}\p{{M}}]*", regex.V1)
    return regex.compile(rf"\p{{Script={name}}}[\p{{Script={name}}}\p{{M}}]*")


def fit(tokenizer: Tokenizer, text: MeasuredText) -> dict[str, Fit]:
    """Measure a tokenizer on a text, whole ("all") and by script, in the order of `NAMES`.

    A token is of the script of its first letter, with all its bytes. Only "all" is there where the tokens do not
    spell the text byte by byte, since the tokenizer changes it.
    """
    ids = np.asarray(tokenizer.encode(text.text), np.int64)
    n_bytes = len(text.scripts)
    found = {"all": Fit(n_bytes, len(ids), sum(text.n_words.values()))}
    different, places = np.unique(ids, return_inverse=True)
    lengths = np.array([len(tokenizer.decode_bytes([id])) for id in different.tolist()], np.int64)[places]
    if not len(ids) or lengths.sum() != n_bytes:
        return found
    ends = lengths.cumsum()
    # Where the next letter's byte is, from each byte on; n_bytes behind the last one.
    letters = np.where(text.scripts > 0, np.arange(n_bytes), n_bytes)
    following = np.minimum.accumulate(letters[::-1])[::-1]
    first = following[np.minimum(ends - lengths, n_bytes - 1)]
    scripts = np.where(first < ends, text.scripts[np.minimum(first, n_bytes - 1)], 0)
    tokens = np.bincount(scripts, minlength=len(NAMES))
    spelled = np.bincount(scripts, lengths, minlength=len(NAMES))
    for place, name in enumerate(NAMES):
        if tokens[place]:
            found[name] = Fit(int(spelled[place]), int(tokens[place]), text.n_words.get(name, 0))
    return found
