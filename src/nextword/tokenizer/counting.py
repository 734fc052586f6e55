"""Counts of a text's different pieces, made on all cores: the first half of training a tokenizer.

The text comes as a stream, and only what the processes are at work on is held, with the different pieces themselves.
Each process is a Python of its own, so that it does not matter what else this one is doing, or who called it.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain, islice
from threading import Lock
from typing import IO, Any

import regex

from nextword.errors import NextwordError
from nextword.runtime.hardware import physical_cores
from nextword.tokenizer.bpe import split
from nextword.tokenizer.patterns import cut_special

AT_ONCE = 1 << 22  # characters that a process is given at once
HELD = 1 << 20  # different pieces that it holds before it hands them over
CUT = regex.compile(r"(?<=[\p{L}\p{N}])(?=\s)")  # where all patterns but "none" cut, whatever else the text holds


def count_pieces(
    texts: Iterable[str],
    pattern: str = "gpt2",
    special: Sequence[str] = (),
    processes: int | None = None,
    progress: Callable[[int], None] = lambda characters: None,
) -> Counter[str]:
    """Count the different pieces of texts.

    texts: documents, or parts of documents that begin where a piece does.
    pattern: the name of what they are cut by. Special tokens are cut out, and not counted. processes: how many count,
    by default one a core; the counts are the same in any number. progress is told how many characters were counted.
    Raises what `texts` raises, and NextwordError where a process is lost.
    """
    chunks = gathered(texts, pattern, special)
    processes = processes or physical_cores()
    first = list(islice(chunks, 2))
    everything = chain(first, chunks)
    if processes > 1 and len(first) > 1:
        return count_in_processes(everything, pattern, processes, progress)
    counts: Counter[str] = Counter()
    characters = 0
    for chunk in everything:
        add(counts, chunk, pattern)
        characters += sum(map(len, chunk))
        progress(characters)
    return counts


def add(counts: Counter[str], chunk: Iterable[str], pattern: str) -> None:
    """Count the pieces of some texts."""
    for text in chunk:
        counts.update(split(text, pattern))


def gathered(texts: Iterable[str], pattern: str, special: Sequence[str]) -> Iterator[list[str]]:
    """Gather texts, less the special tokens in them, until they are AT_ONCE characters long; cut longer ones."""
    chunk: list[str] = []
    size = 0
    marks = dict.fromkeys(special, 0)
    for text in texts:
        between = cut_special(text, marks)[::2] if any(mark in text for mark in special) else [text]
        for part in (part for whole in between for part in parts(whole, pattern)):
            chunk.append(part)
            size += len(part)
            if size >= AT_ONCE:
                yield chunk
                chunk, size = [], 0
    if size:
        yield chunk


def parts(text: str, pattern: str) -> Iterator[str]:
    """Cut a long text between two of its pieces, into parts of AT_ONCE characters or a few more."""
    start = 0
    while pattern != "none" and len(text) - start > AT_ONCE and (place := CUT.search(text, start + AT_ONCE)):
        yield text[start : place.start()]
        start = place.start()
    yield text[start:] if start else text


def count_in_processes(
    chunks: Iterator[list[str]], pattern: str, processes: int, progress: Callable[[int], None]
) -> Counter[str]:
    """Hand chunks to counting processes, and add up their counts."""
    counts: Counter[str] = Counter()
    characters = 0
    taking, adding = Lock(), Lock()
    counters = [CountingProcess(pattern) for _ in range(processes)]

    def drive(counting: CountingProcess) -> None:
        """Keep one process at work."""
        nonlocal characters
        while True:
            with taking:
                chunk = next(chunks, None)
            found = counting.count(chunk)
            with adding:
                counts.update(found)
                if chunk is None:
                    return
                characters += sum(map(len, chunk))
                progress(characters)

    try:
        with ThreadPoolExecutor(processes) as threads:
            try:
                for driven in [threads.submit(drive, counting) for counting in counters]:
                    driven.result()
            except BaseException:
                chunks = iter(())  # the others have nothing more to do
                for counting in counters:
                    counting.stop()
                raise
    finally:
        for counting in counters:
            counting.stop()
    return counts


class CountingProcess:
    """Count in another process, which hands its counts over when they are many."""

    def __init__(self, pattern: str):
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nextword.tokenizer.counting", pattern],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._back = self._process.stdin, self._process.stdout

    def count(self, chunk: list[str] | None) -> Counter[str]:
        """Count one chunk more; None ends. Gives the counts that are handed over, perhaps none yet."""
        try:
            send(self._to, chunk)
            found: Counter[str] = pickle.load(self._back)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise NextwordError(
                "A process that counted is gone, perhaps since memory ran out. Use fewer processes, or less text."
            ) from error
        return found

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._to, self._back):
            with suppress(OSError):  # what was still to be sent has no reader
                pipe.close()


def send(pipe: IO[bytes], what: Any) -> None:
    """Write something for the process at the other end."""
    pickle.dump(what, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def answer_on_pipes(pattern: str) -> None:
    """Count chunks from standard input until they end: what another process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks, which ends this one
    counts: Counter[str] = Counter()
    while True:
        try:
            chunk = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        add(counts, chunk or (), pattern)
        if chunk is None or len(counts) > HELD:
            send(sys.stdout.buffer, counts)
            counts = Counter()
        else:
            send(sys.stdout.buffer, Counter())


if __name__ == "__main__":
    answer_on_pipes(sys.argv[1])
