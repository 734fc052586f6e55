"""Ranks: what tiktoken needs to know of a vocabulary to merge as its list of pairs says."""

from itertools import pairwise

from nextword.tokenizer.vocab import GPT2, Vocabulary

SINGLE = tuple(bytes([byte]) for byte in range(256))


def rank(vocabulary: Vocabulary) -> tuple[dict[bytes, int], tuple[int, ...] | None]:
    """Rank the single bytes and the merged tokens.

    By their ids, where these have the order of the merges. Elsewhere the ranks count from 0, and the second result
    is the id of each.
    """
    ids = vocabulary.ids
    if vocabulary is GPT2:
        return ids, None  # the earlier merge has the smaller id
    merged = [left + right for left, right in vocabulary.merge_list()]
    reached = (*SINGLE, *merged)
    if all(ids[one] < ids[next] for one, next in pairwise(merged)):
        return {token: ids[token] for token in reached}, None
    return {token: number for number, token in enumerate(reached)}, tuple(ids[token] for token in reached)


def fits_tiktoken(vocabulary: Vocabulary) -> bool:
    """Say whether merging whatever spells a token, as tiktoken does, gives the same as merging listed pairs.

    It does for merges that training has made: a token's own bytes, merged in the order of ranks, end with the pair
    that the list has for it, so no other pair is ever found that spells it. A list put together by other means may
    have a token twice, or one that its bytes never come to. It must have all bytes, too.
    """
    if vocabulary is GPT2:
        return True
    merges = vocabulary.merge_list()
    ranks = {left + right: number for number, (left, right) in enumerate(merges)}
    return (
        len(ranks) == len(merges)
        and all(byte in vocabulary.ids for byte in SINGLE)
        and all(last_pair(left + right, ranks, number) == (left, right) for number, (left, right) in enumerate(merges))
    )


def last_pair(token: bytes, ranks: dict[bytes, int], below: int) -> tuple[bytes, ...]:
    """Merge a token's bytes by the ranks below its own."""
    tokens = [token[n : n + 1] for n in range(len(token))]
    while len(tokens) > 2:
        best, place = below, -1
        for n in range(len(tokens) - 1):
            found = ranks.get(tokens[n] + tokens[n + 1], below)
            if found < best:
                best, place = found, n
        if place < 0:
            break
        tokens[place : place + 2] = [tokens[place] + tokens[place + 1]]
    return tuple(tokens)
