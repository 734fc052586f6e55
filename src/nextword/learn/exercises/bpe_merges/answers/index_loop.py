from collections import Counter
from itertools import pairwise

from nextword.tokenizer.bpe import split
from nextword.tokenizer.vocab import load_ids, load_merges


def join(tokens, pair):
    out = []
    i = 0
    #~ from-the-right: out = list(tokens)
    #~ from-the-right: for i in range(len(tokens) - 2, -1, -1):
    #~ from-the-right:     if out[i : i + 2] == list(pair):
    #~ from-the-right:         out[i : i + 2] = [pair[0] + pair[1]]
    #~ from-the-right: return out
    while i < len(tokens):
        #~ last-token-lost: while i < len(tokens) - 1:
        if i + 1 < len(tokens) and tokens[i] == pair[0] and tokens[i + 1] == pair[1]:
            out.append(pair[0] + pair[1])
            i += 2
            #~ right-half-kept: i += 1
            #~ first-place-only: return out + tokens[i + 2 :]
        else:
            out.append(tokens[i])
            i += 1
    return out
    #~ halves-of-tokens: return b"|".join(tokens).replace(b"|".join(pair), b"".join(pair)).split(b"|")


def merge(piece):
    ranks = load_merges()
    tokens = [piece[i : i + 1] for i in range(len(piece))]
    #~ numbers: tokens = [piece[i] for i in range(len(piece))]
    #~ longest-token: tokens, start = [], 0
    #~ longest-token: while start < len(piece):
    #~ longest-token:     end = len(piece)
    #~ longest-token:     while piece[start:end] not in load_ids():
    #~ longest-token:         end -= 1
    #~ longest-token:     tokens.append(piece[start:end])
    #~ longest-token:     start = end
    #~ longest-token: return tokens
    while True:
        candidates = [(ranks[pair], pair) for pair in pairwise(tokens) if pair in ranks]
        if not candidates:
            return tokens
        tokens = join(tokens, min(candidates)[1])
        #~ highest-rank: tokens = join(tokens, max(candidates)[1])
        #~ left-to-right: tokens = join(tokens, candidates[0][1])
        #~ one-merge-only: return join(tokens, min(candidates)[1])


def learn_merges(text, n):
    words = split(text)
    #~ across-pieces: words = [text]
    #~ spaces-lost: words = text.split()
    #~ each-word-once: words = list(dict.fromkeys(split(text)))
    pieces = [[bytes([b]) for b in word.encode()] for word in words]
    #~ characters: pieces = [[c.encode() for c in word] for word in words]
    merges = []
    for _ in range(n):
        counts = Counter()
        for tokens in pieces:
            counts.update(zip(tokens, tokens[1:]))
        if not counts:
            break
        count, pair = max((count, pair) for pair, count in counts.items())
        #~ rarest-first: count, pair = min((count, pair) for pair, count in counts.items())
        #~ first-of-equals: [(pair, count)] = counts.most_common(1)
        #~ smaller-of-equals: pair, count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[0]
        #~ counted-once: return sorted(counts, key=lambda pair: (counts[pair], pair), reverse=True)[:n]
        merges.append(pair)
        pieces = [join(tokens, pair) for tokens in pieces]
    return merges
