"""A permutation of any length that takes no memory: a Feistel network, walked until it stays in range."""

import hashlib

ROUNDS = 4
"""Luby and Rackoff: four rounds make of random functions what cannot be told from a random permutation."""


def epoch_key(seed: int, epoch: int) -> bytes:
    """Make the key of an epoch's permutation."""
    return hashlib.sha256(f"seed {seed} epoch {epoch}".encode()).digest()


def permuted(i: int, n: int, key: bytes) -> int:
    """Map i to its place in a permutation of 0, ..., n - 1, chosen by the key.

    A Feistel network permutes the numbers of an even number of bits, at most four times as many as n. Where it leaves
    the range it is applied again, which comes back in since it is a permutation.
    Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains" (2002), section 4, and Luby and Rackoff (1988).
    """
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:
        left, right = i >> half, i & mask
        for round in range(ROUNDS):
            digest = hashlib.blake2b(right.to_bytes(8, "little") + bytes([round]), digest_size=8, key=key).digest()
            left, right = right, left ^ (int.from_bytes(digest, "little") & mask)
        i = left << half | right
        if i < n:
            return i
