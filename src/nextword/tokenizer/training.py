"""Training a tokenizer: from texts to a vocabulary of a size that is asked for.

    count    how often each different piece stands in the texts (counting.py), on all cores
    merge    the most frequent pair of neighbours, again and again (incremental.py, in C native/merges.c)

What comes out is defined by `bpe.learn_merges`, whatever the number of cores, and with or without a compiler.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from nextword.errors import DataError, SettingError
from nextword.tokenizer.counting import count_pieces
from nextword.tokenizer.patterns import pattern_named
from nextword.tokenizer.vocab import BYTE_TO_CHAR, END_OF_TEXT, Vocabulary, to_printable

Pair = tuple[bytes, bytes]
Progress = Callable[[str, int, int | None], None]
"""Told what is being done ("count" or "merge"), how much of it (characters, merges), and of how much if known."""

N_BYTES = 256


def train_vocabulary(
    texts: Iterable[str],
    vocab_size: int,
    pattern: str = "gpt2",
    special: Sequence[str] = (END_OF_TEXT,),
    processes: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Vocabulary:
    """Train a vocabulary of vocab_size ids: the 256 bytes, as many merges as fit, the special tokens.

    texts: documents, or parts of documents that begin where a piece does; they are read once, and never held whole
    unless the pattern is "none". special: what is never merged and no text spells; the first of them ends a text.
    Raises SettingError for a size or a special token that cannot be, and DataError for too little text.
    """
    pattern_named(pattern)
    n = vocab_size - N_BYTES - len(special)
    if n < 0:
        marks = f" and {', '.join(special)}" if special else ""
        raise SettingError("vocab_size", f"must be at least {vocab_size - n}, not {vocab_size}: the 256 bytes{marks}.")
    if any(not mark for mark in special) or len(set(special)) < len(special):
        raise SettingError("special", f"must be different texts, none empty, not {', '.join(map(repr, special))}.")
    merges: list[Pair] = []

    def counted(characters: int) -> None:
        progress("count", characters, None)

    # No name for the pieces, so that nothing keeps them in memory when they are packed.
    for pair in learn_pairs(count_pieces(texts, pattern, special, processes, counted), n):
        merges.append(pair)
        if len(merges) % 100 == 0 or len(merges) == n:
            progress("merge", len(merges), n)
    if len(merges) < n:
        most = vocab_size - n + len(merges)
        raise DataError(
            f"The text has only {len(merges):,} merges, and a vocabulary of {vocab_size:,} ids needs {n:,}. "
            f"Give more text, or ask for at most {most:,} ids."
        )
    return vocabulary_of(merges, pattern, special)


def learn_pairs(pieces: Counter[str], n: int) -> Iterator[Pair]:
    """Learn n merges from a text's pieces and their counts; fewer where no pair is left."""
    # Imported only here: who encodes needs no kernels.
    from nextword.native import library, merges

    if library() is None:
        from nextword.tokenizer import incremental

        yield from incremental.learn_pairs(pieces, n)
        return
    tokens = [bytes([byte]) for byte in range(N_BYTES)]
    found = merges.learn_pairs(pieces, n)
    del pieces
    for left, right in found:
        yield tokens[left], tokens[right]
        tokens.append(tokens[left] + tokens[right])


def vocabulary_of(merges: Sequence[Pair], pattern: str, special: Sequence[str]) -> Vocabulary:
    """Put a vocabulary together as GPT-2's is: the bytes in its order, the merges, the special tokens.

    Raises SettingError for a special token that the merges have made, too: its id could not be told from theirs.
    """
    tokens = [bytes([byte]) for byte in BYTE_TO_CHAR] + [left + right for left, right in merges]
    taken = {*tokens, *(to_printable(token).encode() for token in tokens)}  # as it is, and as files spell it
    if clash := [mark for mark in special if mark.encode() in taken]:
        raise SettingError("special", f"{clash[0]!r} is a token like others. Choose a text like <|{clash[0]}|>.")
    ids = {mark: len(tokens) + place for place, mark in enumerate(special)}
    return Vocabulary(
        tokens=(*tokens, *(mark.encode("utf-8") for mark in special)),
        merges={pair: rank for rank, pair in enumerate(merges)},
        special=ids,
        pattern=pattern,
        end_of_text=ids[special[0]] if special else None,
    )
