import math

from nextword.tokenizer.bpe import split
from nextword.tokenizer.vocab import load_ids, load_merges


def join(tokens, pair):
    """In place, on a copy, with pop."""
    tokens = list(tokens)
    i = 0
    #~ from-the-right: i = len(tokens) - 2
    while i < len(tokens) - 1:
        #~ from-the-right: while i >= 0:
        if (tokens[i], tokens[i + 1]) == tuple(pair):
            #~ halves-of-tokens: if tokens[i].endswith(pair[0]) and tokens[i + 1].startswith(pair[1]):
            tokens[i] += tokens.pop(i + 1)
            #~ right-half-kept: tokens[i] += tokens[i + 1]
            #~ first-place-only: tokens[i] += tokens.pop(i + 1)
            #~ first-place-only: break
        i += 1
        #~ from-the-right: i -= 1
        #~ last-token-lost: i += 1
        #~ last-token-lost: if i == len(tokens) - 1 and tokens[i] != pair[0] + pair[1]: tokens.pop()
    return tokens


def merge(piece):
    ranks = load_merges()
    rank = lambda pair: ranks.get(pair, math.inf)
    #~ highest-rank: rank = lambda pair: -ranks.get(pair, -math.inf)
    parts = [bytes([b]) for b in piece]
    #~ numbers: parts = list(piece)
    #~ longest-token: if not piece: return []
    #~ longest-token: first = max((t for t in load_ids() if piece.startswith(t)), key=len)
    #~ longest-token: return [first] + merge(piece[len(first):])
    while len(parts) >= 2:
        pair = min(zip(parts, parts[1:]), key=rank)
        #~ left-to-right: pair = next((p for p in zip(parts, parts[1:]) if p in ranks), parts[:1])
        if pair not in ranks:
            #~ left-to-right: if tuple(pair) not in ranks:
            break
        parts = join(parts, pair)
        #~ one-merge-only: return join(parts, pair)
    return parts


def learn_merges(text, n):
    words = {}
    for piece in split(text):
        #~ spaces-lost: for piece in text.split(" "):
        #~ across-pieces: for piece in (text,):
        key = tuple(bytes([b]) for b in piece.encode("utf-8"))
        #~ characters: key = tuple(character.encode("utf-8") for character in piece)
        words[key] = words.get(key, 0) + 1
        #~ each-word-once: words[key] = 1
    merges, counts = [], {}
    while len(merges) < n:
        counts = {}
        #~ counted-once: counts = {} if not merges else {pair: c for pair, c in counts.items() if pair != merges[-1]}
        for word, times in words.items():
            #~ counted-once: for word, times in words.items() if not merges else ():
            for i in range(len(word) - 1):
                counts[word[i : i + 2]] = counts.get(word[i : i + 2], 0) + times
        if not counts:
            break
        best = max(counts, key=lambda pair: (counts[pair], pair))
        #~ rarest-first: best = min(counts, key=lambda pair: (counts[pair], pair))
        #~ first-of-equals: best = max(counts, key=counts.get)
        #~ smaller-of-equals: best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        joined = {}
        for word, times in words.items():
            joined[tuple(join(word, best))] = times
        words = joined
    return merges
