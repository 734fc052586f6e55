"""A file of text as a stream, decoded and split into its documents on the way."""

import codecs
import io
from collections.abc import Iterable, Iterator

from nextword.data.encodings import LOOKED_AT, check_nuls, not_in_encoding
from nextword.data.files import SourceFile

Piece = tuple[str, bool]
"""A document or a part of one, and whether the document ends with it."""

LONGEST = 1 << 20  # characters of a piece, where there is a place to cut a document
CUT_IN = 1 << 16  # the last characters in which such a place is looked for
LONGEST_WORD = 1 << 22  # characters without such a place: more of them, a strand of DNA say, would take gigabytes
WHITE_SPACE = " \n\t"


def decoded(file: SourceFile, encoding: str | None = None, strict: bool = True) -> Iterator[str]:
    """Decode a file in parts, without byte order mark and with each line ending in \\n.

    Raises DataError as `to_text` does, with the place of the byte.
    """
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")()
    line_ends = io.IncrementalNewlineDecoder(None, translate=True)
    head, n_bytes, n_lines, n_characters, n_nuls = b"", 0, 0, 0, 0
    begun = False

    def part(block: bytes, final: bool = False) -> str:
        waiting = decoder.getstate()[0]
        try:
            return decoder.decode(block, final)
        except UnicodeDecodeError as error:
            start = n_bytes - len(waiting) + error.start
            line = n_lines + (waiting + block).count(b"\n", len(waiting), error.start) + 1
            place = f": byte 0x{error.object[error.start]:02x} at offset {start} (line {line})"
            raise not_in_encoding(file.name, encoding, place, head) from error
        except UnicodeError as error:
            raise not_in_encoding(file.name, encoding, "", head) from error

    for block in file.blocks():
        head = head or block[:LOOKED_AT]
        text = part(block)
        n_bytes += len(block)
        n_lines += block.count(b"\n")
        if strict:
            n_characters += len(text)
            n_nuls += text.count("\0")
            check_nuls(file.name, encoding, n_nuls, n_characters, head)
        if not begun and text:
            text, begun = text.removeprefix("\ufeff"), True
        if text := line_ends.decode(text):
            yield text
    if rest := line_ends.decode(part(b"", final=True), final=True):
        yield rest


def pieces(parts: Iterable[str], separator: str) -> Iterator[Piece]:
    """Split a text that comes in parts into its documents, and a long document into pieces.

    Joined, the pieces of a document are the document. They are about a megabyte long, or as long as it takes to
    find a letter or digit before white space: a document is cut between these two. There GPT-2's and GPT-4's
    patterns split it, too, so the pieces one by one have the ids of the whole. Only a word of more than four million
    characters is cut within. Blank documents are passed over.
    """
    held: list[str] = []  # the beginning of a document in which there was no place to cut
    rest, started = "", False  # started: a piece of this document has been given
    overlap = max(len(separator) - 1, 0)  # of a separator that is not yet there whole
    for part in parts:
        *whole, rest = (rest + part).split(separator) if separator else [rest + part]
        for document in whole:
            document = "".join([*held, document])
            if started or not (not document or document.isspace()):
                yield document, True
            held, started = [], False
        if len(rest) <= LONGEST + overlap:
            continue
        end = len(rest) - overlap
        cut = _place_to_cut(rest, end)
        held.append(rest[: cut or end])
        if cut or sum(map(len, held)) >= LONGEST_WORD:
            yield "".join(held), False
            held, started = [], True
        rest = rest[cut or end :]
    document = "".join([*held, rest])
    if started or not (not document or document.isspace()):
        yield document, True


def documents(pieces: Iterable[Piece]) -> Iterator[str]:
    """Join pieces into whole documents."""
    held: list[str] = []
    for text, ends in pieces:
        held.append(text)
        if ends:
            yield "".join(held)
            held = []


def _place_to_cut(text: str, end: int) -> int:
    """Find the last white space before `end` that follows a letter or digit, or 0."""
    for at in range(end - 1, max(0, end - CUT_IN), -1):
        if text[at] in WHITE_SPACE and text[at - 1].isalnum():
            return at
    return 0
