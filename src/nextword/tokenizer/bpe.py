"""GPT-2's tokenizer, and others of its kind, written to be read: byte-level byte-pair encoding.

A network computes with numbers, so a text must first become a list of ids. Four steps:

    the text        "Hello, I'm"
    1. split        "Hello"   ","   " I"   "'m"     into pieces, about one a word; a space goes with its word
    2. bytes        48 65 6c 6c 6f  ...             each piece as UTF-8: 256 symbols spell every text there is
    3. merge        H e l l o  ->  H e ll o  ->  H ell o  ->  H ello  ->  Hello
    4. look up      15496     11    314    1101     the place of each token in the vocabulary is its id

`encode` takes these steps in this order, and `decode` goes back: ids -> bytes -> text.
`Tokenizer` (tokenizer.py) gives the same ids a few times faster; this file is what it means. `learn_merges` says
where the merges come from.

Step 1 asks which characters are letters and which are digits, and Unicode adds some every year. `regex` here
and tiktoken there may know different versions of it; around a character that only one of them has heard of,
they can cut differently. Both ways decode to the same text.

Sources: Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword Units",
section 3.2, for merges; Radford et al. 2019, "Language Models are Unsupervised Multitask Learners",
section 2.2, for merging bytes, and only within pieces.
"""

import math
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import regex

from nextword.tokenizer.patterns import cut, cut_special
from nextword.tokenizer.vocab import GPT2, Vocabulary

PATTERN = regex.compile(r"""(?x)
      's | 't | 're | 've | 'm | 'll | 'd   # English contractions, in lower case: I'm -> I + 'm
    | [ ]? \p{L}+                           # letters, with the space before them
    | [ ]? \p{N}+                           # digits, with the space before them
    | [ ]? [^\s\p{L}\p{N}]+                 # anything else that is not white space: , ... -> 🙂
    | \s+ (?! \S )                          # white space, less the last of it when a word follows,
    | \s+                                   # for the word takes a space, but leaves a newline to this line
""")


def encode(text: str, allow_special: bool = False, vocabulary: Vocabulary = GPT2) -> list[int]:
    """Encode a text as ids.

    `<|endoftext|>`, the mark between two documents, is a single id that no text can spell, unless the caller
    sets `allow_special`. Otherwise it is ordinary text, or a document could forge its own end.

    >>> encode("Hello, I'm a language model,")
    [15496, 11, 314, 1101, 257, 3303, 2746, 11]
    >>> encode("<|endoftext|>")
    [27, 91, 437, 1659, 5239, 91, 29]
    >>> encode("one<|endoftext|>two", allow_special=True)
    [505, 50256, 11545]
    """
    if allow_special:
        marks, parts = vocabulary.special, cut_special(text, vocabulary.special)
        found = [[marks[part]] if part in marks else encode(part, False, vocabulary) for part in parts]
        return [id for ids in found for id in ids]
    pieces = split(text, vocabulary.pattern)
    return [id for piece in pieces for id in encode_piece(piece.encode("utf-8"), vocabulary)]


def decode(ids: Iterable[int], vocabulary: Vocabulary = GPT2) -> str:
    """Decode ids: join their bytes, and read these as UTF-8.

    Bytes that are not UTF-8, such as half a character, become U+FFFD. So every text comes back from its ids,
    but not every list of ids from its text. Raises ValueError for an id outside 0 to 50256.

    >>> decode([15496, 11, 314, 1101])
    "Hello, I'm"
    >>> encode("🙂"), decode([8582, 25081]), decode([8582])
    ([8582, 25081], '🙂', '�')
    """
    return b"".join(vocabulary.token_bytes(id) for id in ids).decode("utf-8", errors="replace")


def split(text: str, pattern: str = "gpt2") -> list[str]:
    """Cut a text into the pieces that no token crosses; joined, they are the text.

    Without this cut, "dog.", "dog!" and "dog?" would each earn a token of their own. Surrogates, which a Python
    string may hold and UTF-8 cannot, come first: pairs become their character, lone ones U+FFFD.

    >>> split("I'm 10 years   old!")
    ['I', "'m", ' 10', ' years', '  ', ' old', '!']
    """
    text = text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")  # no surrogates
    pieces: list[str] = PATTERN.findall(text) if pattern == "gpt2" else cut(text, pattern)
    return pieces


@lru_cache(maxsize=65536)  # the same words come again and again
def encode_piece(piece: bytes, vocabulary: Vocabulary = GPT2) -> tuple[int, ...]:
    """Encode one piece as ids.

    >>> encode_piece(b" language"), encode_piece(b" nextword")
    ((3303,), (1306, 4775))
    """
    ids = vocabulary.ids
    return tuple(ids[token] for token in merge(piece, vocabulary))


def merge(piece: bytes, vocabulary: Vocabulary = GPT2) -> list[bytes]:
    """Merge neighbouring tokens, always the pair of the lowest rank, until no pair has one.

    From the bytes of "banana", where "an" is merge 16, "an" + "a" is merge 2015 and "b" + "an" is merge 3564:

        b a n a n a  ->  b an an a  ->  b an ana  ->  ban ana

    Time grows as the length of the piece times the number of different pairs joined in it.

    >>> merge(b"banana")
    [b'ban', b'ana']
    """
    rank = vocabulary.merges
    tokens = [bytes([byte]) for byte in piece]
    while len(tokens) > 1:
        best = min(pairwise(tokens), key=lambda pair: rank.get(pair, math.inf))
        if best not in rank:
            break
        tokens = join(tokens, best)
    return tokens


def join(tokens: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    """Merge a pair wherever it stands, from left to right.

    >>> join([b"b", b"a", b"n", b"a", b"n", b"a"], (b"a", b"n"))
    [b'b', b'an', b'an', b'a']
    """
    joined: list[bytes] = []
    for token in tokens:
        if joined and (joined[-1], token) == pair:
            joined[-1] += token
        else:
            joined.append(token)
    return joined


def learn_merges(text: str, n: int) -> list[tuple[bytes, bytes]]:
    """Learn n merges from a text: time and again, the most frequent pair of neighbours becomes a token.

    So vocab.bpe was made, from far more text. Of equally frequent pairs the greater one is joined first, as Python
    compares pairs of bytes. There are fewer than n merges where no pair is left. `training.py` does the same at speed.

    >>> learn_merges("banana bandana", 3)
    [(b'a', b'n'), (b'b', b'an'), (b'an', b'a')]
    """
    pieces = [[bytes([byte]) for byte in piece.encode("utf-8")] for piece in split(text)]
    merges: list[tuple[bytes, bytes]] = []
    while len(merges) < n:
        counts = Counter(pair for tokens in pieces for pair in pairwise(tokens))
        if not counts:
            break
        best = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append(best)
        pieces = [join(tokens, best) for tokens in pieces]
    return merges
