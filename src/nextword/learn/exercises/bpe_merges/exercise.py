"""BPE: how the tokens of a vocabulary are found, and how a word is put together from them."""

import math
from collections import Counter
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.tokenizer import bpe
from nextword.tokenizer.vocab import load_ids, load_merges

Pair = tuple[bytes, bytes]


def reference(on: Mistakes) -> Any:
    """Byte-pair encoding, with these mistakes."""

    def join(tokens: list[bytes], pair: Pair) -> list[bytes]:
        left, right = pair
        if "halves-of-tokens" in on:
            return b"\0".join(tokens).replace(left + b"\0" + right, left + right).split(b"\0")
        if "from-the-right" in on:
            tokens, left, right = tokens[::-1], right, left
        joined: list[bytes] = []
        i, places = 0, 0
        while i < len(tokens):
            found = tokens[i : i + 2] == [left, right] and not ("first-place-only" in on and places)
            if found:
                joined.append(b"".join(pair))
            elif i < len(tokens) - 1 or "last-token-lost" not in on:
                joined.append(tokens[i])
            places += found
            i += 2 if found and "right-half-kept" not in on else 1
        return joined[::-1] if "from-the-right" in on else joined

    def merge(piece: bytes) -> list[Any]:
        if "longest-token" in on:
            longest = next((end for end in range(len(piece), 0, -1) if piece[:end] in load_ids()), 0)
            return [piece[:longest], *merge(piece[longest:])] if piece else []
        rank = load_merges()
        tokens = [bytes([byte]) for byte in piece]
        if "numbers" in on:
            return list(piece)  # no pair of numbers is listed
        while True:
            listed = [pair for pair in pairwise(tokens) if pair in rank]
            if not listed:
                return tokens
            best = min(listed, key=lambda pair: rank.get(pair, math.inf))
            if "highest-rank" in on:
                best = max(listed, key=lambda pair: rank[pair])
            if "left-to-right" in on:
                best = listed[0]
            tokens = join(tokens, best)
            if "one-merge-only" in on:
                return tokens

    def learn_merges(text: str, n: int) -> list[Pair]:
        words = [text] if "across-pieces" in on else text.split() if "spaces-lost" in on else bpe.split(text)
        if "each-word-once" in on:
            words = list(dict.fromkeys(words))
        pieces = [list(map(str.encode, word)) for word in words]
        if "characters" not in on:
            pieces = [[bytes([byte]) for byte in word.encode("utf-8")] for word in words]
        merges: list[Pair] = []
        once = Counter(pair for tokens in pieces for pair in pairwise(tokens))
        while len(merges) < n:
            counts = Counter(pair for tokens in pieces for pair in pairwise(tokens))
            if "counted-once" in on:
                counts = Counter({pair: count for pair, count in once.items() if pair not in merges})
            if not counts:
                break
            best = max(counts, key=counts.__getitem__)
            if "rarest-first" in on:
                best = min(counts, key=counts.__getitem__)
            merges.append(best)
            pieces = [join(tokens, best) for tokens in pieces]
        return merges

    return SimpleNamespace(join=join, merge=merge, learn_merges=learn_merges)


def readable(tokens: Any) -> list[str]:
    """Tokens as texts, for showing."""
    return [token.decode("utf-8", "backslashreplace") if isinstance(token, bytes) else repr(token) for token in tokens]


def joining(tokens: str, left: str, right: str) -> Probe:
    """What join makes of tokens."""
    given, pair = [token.encode() for token in tokens.split()], (left.encode(), right.encode())
    return Probe(f"join of {left}, {right} in {tokens}", lambda solution: readable(solution.join(list(given), pair)))


def merging(piece: str) -> Probe:
    """The tokens of a piece."""
    return Probe(f"merge of {piece!r}", lambda solution: readable(solution.merge(piece.encode())))


def learning(text: str, n: int) -> Probe:
    """What a text teaches. In these texts no two pairs that matter are equally frequent."""

    def run(solution: Any) -> Any:
        return [readable(pair) for pair in solution.learn_merges(text, n)]

    return Probe(f"learn_merges of {text!r}, n = {n}", run)


EXERCISE = exercise_in(
    __file__,
    title="Byte-pair encoding",
    task="""\
Where do GPT-2's 50,257 tokens come from? 256 of them are the single bytes. Each of the next 50,000 was made by looking
for the pair of neighbouring tokens that is most frequent in much text, and joining it everywhere: a merge. Write

- join, which makes one token of a pair wherever it stands among some tokens:
      b a n a n a  with the pair a, n  ->  b an an a
- merge, which makes the tokens of a piece: from its bytes, joining again and again the pair that has the lowest rank
  in load_merges(), a dictionary of GPT-2's merges in which 0 is the first, until no pair has a rank
- learn_merges, which finds the merges of a text: count all pairs inside the pieces, join the most frequent one, n times

The pieces of a text are given by `split`, and no merge reaches across two of them.""",
    symbols={
        "join": "nextword.tokenizer.bpe:join",
        "merge": "nextword.tokenizer.bpe:merge",
        "learn_merges": "nextword.tokenizer.bpe:learn_merges",
    },
    hints=(
        "join: go through the tokens with an index. Where the pair stands, append left + right and go two further; "
        "otherwise append the token and go one further.",
        "itertools.pairwise(tokens) gives the pairs of neighbours. rank.get(pair, math.inf) is a pair's rank, or "
        "infinity where it has none, so that min finds the one to join.",
        "learn_merges: a list of bytes for each piece, [bytes([b]) for b in piece.encode('utf-8')]; a "
        "collections.Counter of all their pairs; the most frequent one joined in each piece by join; and again.",
    ),
    reference=reference,
    probes=(
        joining("b a n a n a", "a", "n"),
        joining("a a a", "a", "a"),
        joining("ba n a n", "a", "n"),
        merging("banana"),
        merging("gradients"),
        merging(" softmax"),
        merging("helloworld"),
        learning("aha ha ha ha", 2),
        learning("on, on, in, at,", 1),
        learning("no no no no cat hat bat", 1),
        learning("né né é é né", 1),
        learning("an ant and a panda and an anaconda", 2),
    ),
)
