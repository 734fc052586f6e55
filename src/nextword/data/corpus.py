"""A corpus: the text that a user named, as documents. Needs no torch."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nextword.data import containers, records
from nextword.data.encodings import to_text
from nextword.data.sources import (
    AS_USUAL,
    BUILT_IN,
    EXPECTED,
    STDIN,
    Reading,
    SourceFiles,
    counted,
    read_source,
    source_name,
    unpacked,
)
from nextword.errors import DataError


@dataclass(frozen=True)
class Corpus:
    """Text to learn from, whole and in order.

    name is short and fit for a folder: `story`, `shakespeare`, a file's name without its suffix, a folder's
    name, `stdin`, or for several sources `<the first one's name>-and-2-more`. documents are the texts, none
    of them blank. sha256 (hex) identifies the bytes they were read from: for one file exactly what
    `sha256sum` prints; for several, the SHA-256 of their digests (32 bytes each) in order, so that moving a
    sentence from the end of one file to the start of the next changes it. reading: how it was read. account: what
    was read and what was not, in sentences, where that is not plain from the name.
    """

    name: str
    documents: tuple[str, ...]
    sha256: str
    reading: Reading = AS_USUAL
    account: tuple[str, ...] = ()


def read_corpus(data: Sequence[str | Path] | Path, reading: Reading | None = None) -> Corpus:
    """Read the text that a user named, in the order named.

    Each element of `data` is one of

    - `story`: the story that comes with nextword;
    - `shakespeare`: a megabyte of the plays, downloaded once (see `fetch_shakespeare`);
    - a file: any name, UTF-8 unless `reading` says otherwise; .gz, .bz2 and .xz are unpacked;
    - a folder: its text files, by their suffixes (`TEXT_SUFFIXES`), and those of its subfolders, sorted by path.
      Hidden files and folders, blank files, and links to folders are passed over;
    - `-`: standard input.

    A file is one document, or as many as `<|endoftext|>` separates (see `Reading`); blank ones are dropped.
    The two built-in names always mean the built-in texts, so that a recorded command means the same in any
    folder; write `./story` for a file of that name. A byte order mark is dropped and line ends become \\n,
    as Python's own `open` has it, so that the same text gives the same tokens whichever system wrote it.

    Raises DataError for text that is missing, blank, unreadable or in another encoding, and for files that hold
    something else than plain text (`containers.py`, `records.py`).
    """
    reading = reading or AS_USUAL
    sources = _sources(data)
    if sources.count("-") > 1:
        raise DataError(f"-: named {sources.count('-')} times, but {STDIN} can be read only once. Name it once.")
    found = [read_source(source, reading) for source in sources]
    files = [file for one in found for file in one.files]
    documents = [document for name, raw in files for document in _documents(name, raw, reading)]
    return Corpus(
        name=corpus_name(sources),
        documents=tuple(documents),
        sha256=_fingerprint([raw for _, raw in files]),
        reading=reading,
        account=_account(found, len(documents), reading),
    )


def corpus_name(data: Sequence[str | Path] | Path) -> str:
    """Name the corpus of these sources, without reading any of them."""
    sources = _sources(data)
    more = len(sources) - 1
    return source_name(sources[0]) + (f"-and-{more}-more" if more else "")


def _sources(data: Sequence[str | Path] | Path) -> list[str]:
    named = [data] if isinstance(data, str | Path) else data
    sources = [os.path.expanduser(source) for source in named]
    if not sources or "" in sources:
        raise DataError(f"no text named. Expected {EXPECTED}.")
    return sources


def _documents(name: str, raw: bytes, reading: Reading) -> list[str]:
    """Split a file into its documents. A built-in text is always UTF-8 and always one."""
    if name in BUILT_IN:
        return [to_text(name, raw)]
    inner, content = unpacked(name, raw)
    if not reading.as_text and (kind := containers.recognise(inner, content)):
        raise DataError(containers.refusal(name, kind))
    text = to_text(name, content, reading.encoding, strict=not reading.as_text)
    if not reading.as_text and (table := records.find_records(inner, text)):
        raise DataError(records.refusal(name, table, quoted=inner == name and name != STDIN))
    documents = text.split(reading.separator) if reading.separator else [text]
    documents = [document for document in documents if document and not document.isspace()]
    if not documents:
        found = f"{len(raw)} bytes, all of them blank" if raw else "empty"
        raise DataError(f"{name}: {found}. Expected text to learn from: add some, or name another source.")
    return documents


def _account(found: Sequence[SourceFiles], n_documents: int, reading: Reading) -> tuple[str, ...]:
    """Describe the files that were read or passed over, in sentences."""
    files = [name for one in found for name, _ in one.files]
    passed_over = sum((one.passed_over for one in found), Counter[str]())
    sentences = []
    if len(files) > 1 or passed_over:
        kinds = Counter(Path(name).suffix.lower() or name for name in files)
        what = ", ".join(files) if len(files) <= 5 else f"{len(files):,} files: {counted(kinds)}"
        over = f" Passed over: {counted(passed_over)}. Files can be named one by one." if passed_over else ""
        sentences.append(f"Read {what}.{over}")
    if n_documents > len(files):
        sentences.append(f"{n_documents:,} documents, separated by {repr(reading.separator)[1:-1]}.")
    return tuple(sentences)


def _fingerprint(documents: Sequence[bytes]) -> str:
    """Compute the SHA-256 (hex) of one document, or of the digests of several."""
    digests = [hashlib.sha256(raw) for raw in documents]
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()
