"""BPE: how the tokens of a vocabulary are found, and how a word is put together from them."""

import math
from collections import Counter
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.tokenizer import bpe
from nextword.tokenizer.vocab import load_ids, load_merges

Pair = tuple[bytes, bytes]

MISTAKES = (
    Mistake(
        name="first-place-only",
        equals="a join of the first place only where the pair stands",
        remedy="In join, go on to the end of the tokens after a place was found.",
        why="In 'banana' the pair a, n stands twice. A merge holds everywhere.",
    ),
    Mistake(
        name="right-half-kept",
        equals="a join that leaves the pair's right half behind",
        remedy="In join, go on behind the pair: two tokens further after joining, one otherwise.",
        why="The right half is in the new token. Left behind as well, the text would have letters twice.",
    ),
    Mistake(
        name="from-the-right",
        equals="a join from right to left",
        remedy="In join, go from left to right.",
        why="It shows where a pair of equals overlaps itself: a a a becomes aa a, not a aa.",
    ),
    Mistake(
        name="last-token-lost",
        equals="a join that loses the last token unless it is joined",
        remedy="In join, let the loop reach the last token, which has no neighbour to its right.",
        why="A loop over pairs ends one before the last token.",
    ),
    Mistake(
        name="halves-of-tokens",
        equals="a join that takes the end of one token and the beginning of the next for the pair",
        remedy="In join, compare whole tokens, and do not replace in a string of all of them.",
        why="The pair a, n is not in the tokens na, n, although the letters stand there.",
    ),
    Mistake(
        name="highest-rank",
        equals="a merge that joins the pair with the highest rank first",
        remedy="In merge, choose the pair with the lowest rank: min, and infinity for pairs without one.",
        why="Rank 0 was learned first, from the most frequent pair. Later merges are made of the earlier ones.",
    ),
    Mistake(
        name="left-to-right",
        equals="a merge that joins the first pair it meets, whatever its rank",
        remedy="In merge, choose the pair with the lowest rank of all: min, and infinity for pairs without one.",
        why="The order of the merges is what makes the tokens the ones that GPT-2 was trained on.",
    ),
    Mistake(
        name="longest-token",
        equals="a cut into the longest tokens of the vocabulary, from the left",
        remedy="Begin with single bytes, and join pairs in the order of their ranks.",
        why="That is nearly how WordPiece cuts, BERT's tokenizer. Most words come out the same, but not all.",
    ),
    Mistake(
        name="one-merge-only",
        equals="a merge that stops after the first pair",
        remedy="In merge, repeat until no pair of neighbours has a rank.",
        why="Joined tokens are new neighbours, and new pairs to join.",
    ),
    Mistake(
        name="across-pieces",
        equals="merges learned across the pieces of the text",
        remedy="In learn_merges, cut the text with split(text), and count the pairs inside each piece.",
        why="Otherwise 'dog.' and 'of the' would become tokens, and much of the vocabulary be spent on them.",
    ),
    Mistake(
        name="spaces-lost",
        equals="merges learned from words without their spaces",
        remedy="In learn_merges, cut the text with the split that is given, not with text.split().",
        why="In GPT-2's vocabulary a word brings its space along. Without it the text would not come back.",
    ),
    Mistake(
        name="each-word-once",
        equals="merges learned from each different word once, however often it stands in the text",
        remedy="In learn_merges, count a pair as often as it stands in the text.",
        why="Keeping each word once saves much time, but then its count must be kept beside it.",
    ),
    Mistake(
        name="counted-once",
        equals="merges from a single count, of the bytes",
        remedy="In learn_merges, count anew after each merge, with the tokens joined.",
        why="The second merge may be made of the first. From one count no token has more than two bytes.",
    ),
    Mistake(
        name="rarest-first",
        equals="merges of the rarest pair instead of the most frequent",
        remedy="In learn_merges, choose the pair with the highest count: max.",
        why="A token is worth its place in the vocabulary if it is used often.",
    ),
    Mistake(
        name="characters",
        equals="merges of characters instead of bytes",
        remedy="In learn_merges, begin with the bytes of piece.encode('utf-8').",
        why="There are 256 bytes, and with them a vocabulary can spell every text. Of characters there are 150,000.",
    ),
    Mistake(
        name="numbers",
        equals="a merge that takes the numbers of the bytes for tokens",
        remedy="In merge, begin with [bytes([b]) for b in piece]: tokens are bytes, and going through bytes gives "
        "ints.",
        why='list(b"ban") is [98, 97, 110]. No pair of such numbers has a rank, so nothing is joined.',
    ),
)


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


EXERCISE = Exercise(
    name="bpe_merges",
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
    stub='''
from nextword.tokenizer.bpe import split
from nextword.tokenizer.vocab import load_merges


def join(tokens: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    """@join"""
    ...


def merge(piece: bytes) -> list[bytes]:
    """@merge"""
    ...


def learn_merges(text: str, n: int) -> list[tuple[bytes, bytes]]:
    """@learn_merges"""
    ...
''',
    hints=(
        "join: go through the tokens with an index. Where the pair stands, append left + right and go two further; "
        "otherwise append the token and go one further.",
        "itertools.pairwise(tokens) gives the pairs of neighbours. rank.get(pair, math.inf) is a pair's rank, or "
        "infinity where it has none, so that min finds the one to join.",
        "learn_merges: a list of bytes for each piece, [bytes([b]) for b in piece.encode('utf-8')]; a "
        "collections.Counter of all their pairs; the most frequent one joined in each piece by join; and again.",
    ),
    mistakes=MISTAKES,
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
