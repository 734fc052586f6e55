import itertools
from collections import Counter

from nextword.tokenizer.bpe import split
from nextword.tokenizer.vocab import load_merges


def join(tokens, pair):
    """Recursive, with tuples; ties are broken by spelling."""
    if len(tokens) < 2:
        return tuple(tokens)
    if tuple(tokens[:2]) == pair:
        return (tokens[0] + tokens[1], *join(tokens[2:], pair))
    return (tokens[0], *join(tokens[1:], pair))


def merge(piece, tokens=None):
    ranks = load_merges()
    tokens = tokens or tuple(bytes([b]) for b in piece)
    listed = [pair for pair in itertools.pairwise(tokens) if pair in ranks]
    return merge(piece, join(tokens, min(listed, key=ranks.get))) if listed else tokens


def learn_merges(text, n):
    pieces = [tuple(bytes([b]) for b in piece.encode()) for piece in split(text)]
    merges = []
    for _ in range(n):
        counts = Counter(pair for piece in pieces for pair in itertools.pairwise(piece))
        merges.append(max(counts, key=lambda pair: (counts[pair], pair)))
        pieces = [join(piece, merges[-1]) for piece in pieces]
    return merges
