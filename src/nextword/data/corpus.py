"""A corpus: the text that a user named, as documents. Needs no torch."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from nextword.data.contents import Content, Prose, Records, contents, records_of
from nextword.data.files import SourceFile
from nextword.data.folders import counted
from nextword.data.hub import KIND, PREFIX, HubDataset, find_dataset
from nextword.data.reading import AS_USUAL, Reading
from nextword.data.sources import BUILT_IN, NamedSource, named_sources, read_source, source_name
from nextword.data.text_stream import Piece, documents
from nextword.errors import DataError


@dataclass(frozen=True)
class Share:
    """The share of one source in the training, 0 to 1, and its number of documents."""

    name: str
    share: float
    n_documents: int


@dataclass(frozen=True)
class Corpus:
    """Text to learn from, whole and in order.

    name is short and fit for a folder: `story`, `shakespeare`, a file's name without its suffix, a folder's
    name, `stdin`, or for several sources `<the first one's name>-and-2-more`. documents are the texts, none
    of them blank. sha256 (hex) identifies the bytes they were read from: for one file exactly what
    `sha256sum` prints; for several, the SHA-256 of their digests (32 bytes each) in order, so that moving a
    sentence from the end of one file to the start of the next changes it. reading: how it was read. account: what
    was read and what was not, in sentences, where that is not plain from the name. shares: one for each source, in
    order, where sources have weights.
    """

    name: str
    documents: tuple[str, ...]
    sha256: str
    reading: Reading = AS_USUAL
    account: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()

    @property
    def n_documents(self) -> int:
        """Count the documents."""
        return len(self.documents)


@dataclass(frozen=True)
class CorpusPart:
    """One source of a corpus, with its weight where weights were given."""

    name: str
    contents: tuple[Content, ...]
    files: tuple[SourceFile | HubDataset, ...]
    weight: float | None = None

    def pieces(self) -> Iterator[Piece]:
        """Read this source's documents, long ones in pieces."""
        for content in self.contents:
            yield from content.pieces()


@dataclass(frozen=True)
class OpenedCorpus:
    """Text to learn from as a stream: of its documents one at a time is held in memory.

    All is as in `Corpus`; the account does not have the number of documents.
    """

    name: str
    parts: tuple[CorpusPart, ...]
    reading: Reading = AS_USUAL
    account: tuple[str, ...] = ()

    def documents(self) -> Iterator[str]:
        """Read all documents in order, from the first one each time. Raises DataError where one cannot be read."""
        return documents(self.pieces())

    def pieces(self) -> Iterator[Piece]:
        """Read all documents in order, long ones in pieces of about a megabyte: pairs (text, ends its document).

        The ids of the pieces, one by one, are those of the document: see `text_stream.pieces`.
        """
        for part in self.parts:
            yield from part.pieces()

    @cached_property
    def sha256(self) -> str:
        """Identify the bytes of all files, and the weights where there are some. The files are read for it once."""
        digests = [file.sha256() for part in self.parts for file in part.files]
        if self.shares:
            digests.append(hashlib.sha256(repr([round(share, 6) for share in self.shares]).encode()).digest())
        return _fingerprint(digests)

    @property
    def shares(self) -> tuple[float, ...]:
        """Compute each source's share in the training, together 1; () without weights."""
        weights = [part.weight for part in self.parts if part.weight is not None]
        return tuple(weight / sum(weights) for weight in weights) if len(weights) > 1 else ()


def open_corpus(data: Sequence[str | Path] | Path, reading: Reading | None = None) -> OpenedCorpus:
    """Open the text that a user named, in the order named, and look into each file.

    Each element of `data` is one of

    - `story`: the story that comes with nextword;
    - `shakespeare`: a megabyte of the plays, downloaded once (see `fetch_shakespeare`);
    - a file: any name, UTF-8 unless `reading` says otherwise. Of JSON, JSON lines, CSV, TSV, Parquet and Arrow the
      texts in one column are read; .gz, .zst, .bz2, .xz and .zip are unpacked;
    - a folder: its text files, by their suffixes (`TEXT_SUFFIXES`), and those of its subfolders, sorted by path; in
      a folder without any, its records. Hidden files and folders, blank files, and links to folders are passed over;
    - a pattern, such as `books/**/*.txt`: the files that match it, sorted by path;
    - `-`: standard input.

    A file of text is one document, or as many as `<|endoftext|>` separates (see `Reading`); a record's text is one;
    blank ones are dropped. The two built-in names always mean the built-in texts, so that a recorded command means
    the same in any folder; write `./story` for a file of that name. A byte order mark is dropped and line ends
    become \\n, as Python's own `open` has it, so that the same text gives the same tokens whichever system wrote it.

    Raises DataError for text that is missing, unreadable or in another encoding, for records whose text is not
    clear, and for files that hold something else than text (`containers.py`); and as documents are read,
    for what is found later, such as a blank file.
    """
    reading = reading or AS_USUAL
    sources = named_sources(data)
    parts: list[CorpusPart] = []
    passed_over: Counter[str] = Counter()
    for source in sources:
        if source.name.startswith(PREFIX):
            parts.append(_hub_part(source, reading))
            continue
        found = read_source(source.name, reading)
        held = [content for file in found.files for content in _contents(file, reading)]
        parts.append(CorpusPart(source.name, tuple(held), tuple(found.files), source.weight))
        passed_over += found.passed_over
    records = [content for part in parts for content in part.contents if isinstance(content, Records)]
    if reading.field is not None and not records:
        raise DataError(f"{sources[0].name}: there are no records in it, and so no `field`. Leave that out.")
    files = [file.name for part in parts for file in part.files]
    opened = OpenedCorpus(corpus_name(data), tuple(parts), reading)
    account = (*_account(files, passed_over), *_columns_read(records), *_shares_read(opened))
    return replace(opened, account=account)


def read_corpus(data: Sequence[str | Path] | Path, reading: Reading | None = None) -> Corpus:
    """Read the text that a user named, as `open_corpus` does, into memory. Raises DataError like that."""
    return into_memory(open_corpus(data, reading))


def fits_memory(opened: OpenedCorpus, most: int) -> bool:
    """Whether a corpus has at most so many characters; it is read for that, no further than needed."""
    n = 0
    return all((n := n + len(text)) <= most for text, _ in opened.pieces())


def into_memory(opened: OpenedCorpus) -> Corpus:
    """Read all documents of an opened corpus."""
    by_part = [tuple(documents(part.pieces())) for part in opened.parts]
    found = tuple(itertools.chain.from_iterable(by_part))
    n_files = sum(len(part.files) for part in opened.parts)
    prose = all(isinstance(content, Prose) for part in opened.parts for content in part.contents)
    separated = f", separated by {repr(opened.reading.separator)[1:-1]}" if prose else ""
    counted = [f"{len(found):,} documents{separated}."] if len(found) > n_files else []
    account = (*opened.account, *counted, *_records_passed_over(opened))
    shares = [
        Share(part.name, share, len(texts))
        for part, share, texts in zip(opened.parts, opened.shares, by_part, strict=bool(opened.shares))
    ]
    return Corpus(opened.name, found, opened.sha256, opened.reading, account, tuple(shares))


def corpus_name(data: Sequence[str | Path] | Path) -> str:
    """Name the corpus of these sources, without reading any of them."""
    sources = named_sources(data)
    more = len(sources) - 1
    return source_name(sources[0].name) + (f"-and-{more}-more" if more else "")


def _contents(file: SourceFile, reading: Reading) -> list[Content]:
    """Look into a file. A built-in text is always UTF-8 and always one."""
    return [Prose(file, separator="")] if file.name in BUILT_IN else contents(file, reading)


def _hub_part(source: NamedSource, reading: Reading) -> CorpusPart:
    dataset = find_dataset(source.name)
    return CorpusPart(source.name, (records_of(dataset.name, KIND, dataset.rows, reading),), (dataset,), source.weight)


def _account(files: Sequence[str], passed_over: Counter[str]) -> list[str]:
    """Describe the files that are read or passed over, in a sentence."""
    if len(files) < 2 and not passed_over:
        return []
    kinds = Counter(Path(name).suffix.lower() or name for name in files)
    what = ", ".join(files) if len(files) <= 5 else f"{len(files):,} files: {counted(kinds)}"
    over = f" Passed over: {counted(passed_over)}. Files can be named one by one." if passed_over else ""
    return [f"Read {what}.{over}"]


def _columns_read(records: Sequence[Records]) -> list[str]:
    """Describe the columns that are read, in sentences."""
    alike: dict[tuple[str, str, bool], list[str]] = {}
    for one in records:
        alike.setdefault((one.kind, one.field.path, one.field.guessed), []).append(one.name)
    sentences = []
    for (kind, path, guessed), names in alike.items():
        who = f"{names[0]} is" if len(names) == 1 else f"{len(names):,} files are"
        column = f", of which the column {path!r} is the text" if path else ""
        sentences.append(f"{who} read as {kind}{column}{', the only one that may be it' if guessed else ''}.")
    return sentences


def _records_passed_over(opened: OpenedCorpus) -> list[str]:
    """Describe the records without text, which are known once all are read, in sentences."""
    alike: dict[str, list[Records]] = {}
    for content in (content for part in opened.parts for content in part.contents):
        if isinstance(content, Records) and content.tally["blank"]:
            alike.setdefault(content.field.path, []).append(content)
    sentences = []
    for path, records in alike.items():
        who = records[0].name if len(records) == 1 else f"{len(records):,} files"
        n, n_all = (sum(one.tally[what] for one in records) for what in ("blank", "all"))
        column = f" in the column {path!r}" if path else ""
        sentences.append(f"{who}: {n:,} of {n_all:,} records have no text{column}, and are passed over.")
    return sentences


def _shares_read(opened: OpenedCorpus) -> list[str]:
    """Describe the sources' shares, in a sentence, unless there are no weights."""
    shares = [f"{part.name} {share:.1%}" for part, share in zip(opened.parts, opened.shares, strict=False)]
    return [f"Shares of the windows to train on: {', '.join(shares)}."] if shares else []


def _fingerprint(digests: Sequence[bytes]) -> str:
    """Give the SHA-256 (hex) of one file, or compute it of the digests of several."""
    return digests[0].hex() if len(digests) == 1 else hashlib.sha256(b"".join(digests)).hexdigest()
