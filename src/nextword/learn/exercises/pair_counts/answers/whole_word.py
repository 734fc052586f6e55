from itertools import pairwise

from nextword.tokenizer.bpe import join


def recount(counts, word, pair, times):
    """All pairs off, and all pairs on again."""
    for old in pairwise(word):
        counts[old] -= times
        #~ once: counts[old] -= 1
    word = join(word, pair)
    for new in pairwise(word):
        counts[new] = counts.get(new, 0) + times
        #~ once: counts[new] = counts.get(new, 0) + 1
    return word
