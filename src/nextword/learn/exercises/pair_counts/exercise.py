"""Pair counts: training a tokenizer without counting the whole text after each merge."""

from collections import Counter
from itertools import pairwise
from typing import Any

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


def recounting(words: dict[str, int], at: str, left: str, right: str) -> Probe:
    """The tokens of one word after a merge, and the counts that are not 0. Tokens of a word stand between blanks."""
    pair = (left.encode(), right.encode())
    tokens = [token.encode() for token in at.split()]

    def run(solution: Any) -> list[str]:
        counts: Counter[tuple[bytes, bytes]] = Counter()
        for word, times in words.items():
            for two in pairwise([token.encode() for token in word.split()]):
                counts[two] += times
        given = dict(counts)
        joined = solution.recount(given, list(tokens), pair, words[at])
        found = sorted(f"{a.decode()},{b.decode()}: {count}" for (a, b), count in given.items() if count)
        return [" ".join(token.decode() for token in joined), *found]

    return Probe(f"recount of {at} ({words[at]} times) with the pair {left}, {right}", run)


EXERCISE = exercise_in(
    __file__,
    title="Counting only what changes",
    task="""\
To learn a merge, count all pairs of neighbours in a text, and join the most frequent one. To learn the next, count
again? In a gigabyte, 32,000 times? Two observations make it seconds. A text is the same few words again and again, so
each different word is kept once, with how often it stands there. And a merge changes only the pairs around it.

Write recount, which joins a pair wherever it stands in a word, and mends the counts of all pairs in the text, so that
they are what counting anew would give. The word stands `times` times in the text. counts is changed in place; pairs
that are gone may stay in it with the count 0. Give back the word's new tokens.""",
    symbols={"recount": "nextword.tokenizer.incremental:recount"},
    hints=(
        "The shortest way: take all pairs of the word off the counts, join, and add all pairs of what it is now.",
        "itertools.pairwise gives the pairs. counts.get(pair, 0) is 0 for a pair that is new. Multiply by times.",
        "Going through the word with an index: for a place to join, take off the pair itself, the pair with the token "
        "to the left and that with the token to the right, and add the two pairs of the new token. What is to the left "
        "may have been joined just now.",
    ),
    reference="around",
    probes=(
        recounting({"h u g": 10, "p u g": 5, "h u g s": 5}, "h u g", "u", "g"),
        recounting({"h u g": 10, "p u g": 5, "h u g s": 5}, "h u g s", "h", "u"),
        recounting({"b a n a n a": 3, "b a n d": 2}, "b a n a n a", "a", "n"),
        recounting({"t a t a": 4, "a t": 7}, "t a t a", "t", "a"),
        recounting({"x a a a a": 2, "a a": 9}, "x a a a a", "a", "a"),
        recounting({"m o o o": 6, "o o": 1}, "m o o o", "o", "o"),
        recounting({"c a t": 2, "d o g": 3}, "d o g", "c", "a"),
    ),
)
