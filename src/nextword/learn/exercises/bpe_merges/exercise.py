"""BPE: find the tokens of a vocabulary, and put words together from them."""

from typing import Any

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


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
    """What a text teaches. Only in the last of these texts are pairs that matter equally frequent."""

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
- learn_merges, which finds the merges of a text: count all pairs inside the pieces, join the most frequent one, n
  times; of equally frequent pairs the greater one, as Python compares pairs of bytes

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
        "collections.Counter of all their pairs; the most frequent one joined in each piece by join; and again. "
        "max with the key (count, pair) takes the greater one of equals.",
    ),
    reference="index_loop",
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
        learning("cat dog bird", 2),
    ),
)
