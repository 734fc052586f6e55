"""Bytes -> text: in UTF-8 or a named encoding, without byte order mark, each line ending in \n."""

import codecs
import shlex
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

from nextword.errors import DataError, SettingError

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE = (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2))
CUT_OFF = "It is text in UTF-8 that is cut off at its end, in the middle of a character."
WRONG = "All the rest, or nearly, is text in UTF-8, so this is damage."
BEGINS = "It begins as text in UTF-8, so this is damage, or a part in another encoding."
ASCII = "All the rest is ASCII, so this may be damage."
LOOKED_AT = 65_536  # bytes; a multiple of 4


def name_it(encoding: str | None) -> str:
    """Say which `encoding` to add, if the bytes show it."""
    if encoding is not None:
        return f"Add `encoding={encoding!r}`."
    return "If it is text, name its `encoding`: the bytes do not tell which, but whoever wrote them knows."


def to_text(
    name: str,
    raw: bytes,
    encoding: str | None = None,
    advice: Callable[[str | None], str] = name_it,
    strict: bool = True,
) -> str:
    """Decode a file's bytes; `name` and `advice` are for errors.

    `advice` is asked what to do next, given the encoding that the bytes show, or None. strict: refuse NULs too, which
    are valid UTF-8, where they show that the bytes are UTF-16, UTF-32 or no text. Raises DataError.
    """
    try:
        text = raw.decode(encoding or "utf-8")
    except UnicodeError as error:
        place = ""
        if isinstance(error, UnicodeDecodeError):
            line = raw.count(b"\n", 0, error.start) + 1
            place = f": byte 0x{raw[error.start]:02x} at offset {error.start} (line {line})"
        raise not_in_encoding(name, encoding, place, raw, advice) from error
    if strict:
        check_nuls(name, encoding, text.count("\0"), len(text), raw, advice)
    return plain_lines(text)


def not_in_encoding(
    name: str, encoding: str | None, place: str, raw: bytes, advice: Callable[[str | None], str] = name_it
) -> DataError:
    """Describe bytes that are in another encoding; `raw` are the file's, or its first."""
    found = None if encoding else shown_encoding(raw)
    if not (encoding or found) and (all_else := _all_else(raw)):
        # Where all else is ASCII, the byte may as well be a letter of another encoding.
        or_else = f" {advice(None)}" if all_else == ASCII else ""
        return DataError(f"{name}: not UTF-8{place}. {all_else} {_without_wrong(name)}{or_else}")
    return DataError(f"{name}: not {encoding or 'UTF-8'}{place}.{_looks_like(found)} {advice(found)}")


def check_nuls(
    name: str,
    encoding: str | None,
    n_nuls: int,
    n_characters: int,
    raw: bytes,
    advice: Callable[[str | None], str] = name_it,
) -> None:
    """Raise DataError for more NULs than a text has.

    Where the bytes show UTF-16 or UTF-32, one in 200 characters is enough, else one in 20.
    """
    if not n_nuls:
        return
    found = None if encoding or n_nuls * 200 < n_characters else shown_encoding(raw)
    if found or n_nuls * 20 > n_characters:
        what = _looks_like(found) or " That is not what text looks like."
        raise DataError(f"{name}: {n_nuls} of its {n_characters} characters are NUL.{what} {advice(found)}")


def plain_lines(text: str) -> str:
    """Drop the byte order mark, and end each line in \n, as Python's own `open` does."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def shown_encoding(raw: bytes) -> str | None:
    """Find the encoding that bytes show, by a mark or by their NULs, or None.

    Every letter of English has one NUL in UTF-16 and three in UTF-32, and a Chinese text has them in its line ends.
    """
    for mark, encoding in MARKS:
        if raw.startswith(mark):
            return encoding
    head = raw[: min(len(raw) // 4 * 4, LOOKED_AT)]
    if head.count(0) < 2:
        return None
    return next((encoding for encoding, width in WIDE if _reads_as(head, encoding, width)), None)


def check_encoding(encoding: str) -> None:
    """Raise SettingError unless Python knows a text encoding of this name."""
    if error := _unknown(encoding):
        import difflib  # only a mistake has to wait for these
        import encodings.aliases

        asked = encoding.lower().replace("-", "_")
        known = {*encodings.aliases.aliases, *encodings.aliases.aliases.values()} - {asked}
        near = [name for name in difflib.get_close_matches(asked, known, n=9, cutoff=0.8) if not _unknown(name)]
        hint = (
            f"Did you mean {near[0].replace('_', '-')}?" if near else "Give its usual name, such as utf-16 or koi8-r."
        )
        raise SettingError("encoding", f"{encoding} is no encoding that Python knows. {hint}") from error


def _reads_as(head: bytes, encoding: str, width: int) -> bool:
    """Whether bytes decode to assigned characters, nearly all of them printable or white space."""
    try:
        text = head.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(head) - width:  # else a character is cut in two where the head ends
            return False
        text = head[: error.start].decode(encoding)
    strange = sum(unicodedata.category(char)[0] == "C" and char not in "\n\r\t\f\ufeff\u200b\u200d" for char in text)
    # Taken in the wrong order of bytes, a space is U+2000 and a line end U+0A00.
    usual = sum(char in " \n\u3000\u3002\uff0c" for char in text)
    return strange * 100 <= len(text) and usual * 500 >= len(text)


def _unknown(encoding: str) -> Exception | None:
    """Return Python's error for a name of no text encoding."""
    try:
        b" ".decode(encoding, "replace")
    except (LookupError, UnicodeError, ValueError) as error:
        return error
    return None


def _all_else(raw: bytes) -> str:
    """Say what bytes are but for a wrong place; "" with too many of them.

    There may be one wrong place for each hundred letters beyond ASCII, and one in any text.
    """
    error, whole = sys.exception(), len(raw) < LOOKED_AT
    at_end = isinstance(error, UnicodeDecodeError) and error.reason == "unexpected end of data"
    # Only of a file's first bytes the last character may be cut in two without fault.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(raw, final=whole)
    n_wrong = text.count("\ufffd") - raw.count("\ufffd".encode())
    n_letters = sum(char > "\x7f" for char in text) - n_wrong
    if "\0" in text:
        return ""
    if n_letters and n_wrong <= max(1, n_letters // 100):
        return CUT_OFF if at_end else WRONG if whole else BEGINS
    return ASCII if not n_letters and (at_end or (whole and n_wrong == 1)) else ""


def _without_wrong(name: str) -> str:
    """Say how to go on with a damaged text in UTF-8."""
    from nextword.data.packed import new_path, on_disk, to_disk  # only a mistake has to wait for these

    filtered = "iconv -c -f UTF-8 -t UTF-8"
    if on_disk(name) is None:
        return f"Make or fetch it anew, or pass it through {filtered}, which leaves out what is wrong."
    written = shlex.quote(str(new_path(Path(name))))
    how = to_disk(name) or f"{filtered} {shlex.quote(name)} > {written}"
    return f"Make or fetch it anew, or leave out what is wrong there: {how}"


def _looks_like(found: str | None) -> str:
    return f" It looks like text in {found.upper()}." if found else ""
