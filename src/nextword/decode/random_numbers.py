"""Turn a seed into the random numbers that draw a text's tokens, the same everywhere.

The number for the token at a place p of the text (the prompt's first token is at 0; an empty prompt is one token,
<|endoftext|>) is the word p mod 4 of a block of four words of 64 bits, which a counter and a key decide alone:

    block  = philox4x64-10(counter = (p div 4 + 1, index, 0, 0), key = (seed, 0))
    number = (block[p mod 4] >> 11) / 2**53                                          in [0, 1)

index tells texts apart that one request writes with one seed: 0 the first. So a text depends neither on its
neighbours nor on where its writing was interrupted: the same seed goes on from any of its tokens as it went on before.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), section 3.3, for Philox; numpy's has + 1.
"""

import secrets

import numpy as np

WORDS = 4  # in a block


def random_numbers(seed: int | None, index: int, place: int) -> np.random.Generator:
    """Make the generator of a text's numbers, whose `random()` gives the next token's.

    seed: from 0 to 2**64 - 1; None draws one. index: which of several texts with that seed this is. place: how many
    tokens the prompt has.
    """
    seed = secrets.randbits(64) if seed is None else seed
    rng = np.random.Generator(np.random.Philox(key=seed, counter=[place // WORDS, index, 0, 0]))
    rng.random(place % WORDS)
    return rng
