"""Kinds of files other than plain text, by their first bytes and their names.

A table of kinds: what each is called, the suffixes of its files' names, the bytes that they begin with, and what to do
to get at its text. Structured text (JSON, tables) has no such bytes: see `records.py`. Those without anything to do
are read: see `contents.py`.
"""

import codecs
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nextword.data.packed import new_path, to_disk, unpacked_name

ONE_PAGE = 4096  # bytes, in which all marks lie
PARQUET, ARROW, ZIP = "a Parquet file", "an Arrow file", "a ZIP archive"
ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Kind:
    """A kind of file, and in `remedy` what to do about it.

    There {file} is its quoted name, {format} its usual suffix without the dot, and the others are names that nothing
    has yet: {text} ends in .txt, {unpacked} is the name without its last suffix, {folder} without any of archives.
    """

    name: str
    suffixes: tuple[str, ...]
    marks: tuple[bytes, ...] = ()
    remedy: str = ""
    at: int = 0  # where the marks stand


PANDAS = (
    "Take its column of texts out of it: "
    "python3 -c 'import pandas, sys; "
    """print("<|endoftext|>".join(pandas.read_READER(sys.argv[1])["COLUMN"]))' {file} > {text}"""
)
SQLITE = "Take a column of texts out of it: sqlite3 {file} 'select COLUMN from TABLE' > {text}"
NO_TEXT = "There is no text in it to learn from."
WEIGHTS = "It holds a model's weights: to go on from a model, give its folder with `init`."
PANDOC = "Take the text out of it: pandoc -f {format} {file} -t plain -o {text}"
OFFICE = "Take the text out of it: soffice --headless --convert-to txt --outdir {folder} {file}"
EXCEL = "Save its column of texts as text, in Excel or LibreOffice."
PICKLE = "Write its texts into a text file, with the program that made it."
SEEN = "If there is writing in it, recognise it first: tesseract {file} - > {text}"
HEARD = "If somebody speaks in it, a program for speech recognition can write that down."
MIDI = "Write it as text first, such as ABC notation: midi2abc {file} -o {text}"
MISNAMED = "Its name says so and its first bytes do not: download it again."
UNPACK = "Unpack it, and name the folder: "
TAR = UNPACK + "mkdir {folder} && tar xf {file} -C {folder}"
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".ico")
PICTURE_MARKS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"BM")
SOUNDS = (".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a")
SOUND_MARKS = (b"ID3", b"fLaC\0", b"OggS\0", b"RIFF", b"\xff\xfb")
PROGRAMS = (".exe", ".dll", ".so", ".dylib", ".o", ".a", ".class", ".wasm", ".pyc", ".pyd")
ELF, DOS, JAVA, WASM, AR = b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\0asm", b"!<arch>\n"
MACH_O = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe")

KINDS = (
    Kind("a PDF", (".pdf",), (b"%PDF-1", b"%PDF-2"), "Take the text out of it: pdftotext {file} {text}"),
    Kind("PostScript", (".ps", ".eps"), (b"%!PS",), "Take the text out of it: ps2ascii {file} {text}"),
    Kind("a Word document", (".docx", ".docm"), (), PANDOC),
    Kind("an OpenDocument text", (".odt",), (), PANDOC),
    Kind("an e-book", (".epub",), (), PANDOC),
    Kind("an e-book", (".mobi", ".azw", ".azw3"), (b"BOOKMOBI",), "Take it out: ebook-convert {file} {text}", at=60),
    Kind("an RTF document", (".rtf",), (b"{\\rtf1",), PANDOC),
    Kind("an Excel sheet", (".xlsx", ".xlsm", ".xls"), (), EXCEL),
    Kind("a presentation", (".pptx", ".ppt"), (), OFFICE),
    Kind("a Microsoft Office document", (), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",), OFFICE),
    Kind(PARQUET, (".parquet",), (b"PAR1",)),
    Kind("a Feather file of the first version", (), (b"FEA1",), PANDAS.replace("READER", "feather")),
    Kind(ARROW, (".arrow", ".feather"), (b"ARROW1\0", b"\xff\xff\xff\xff")),
    Kind("an ORC file", (".orc",), (), PANDAS.replace("READER", "orc")),
    Kind("an Avro file", (".avro",), (b"Obj\x01",), PICKLE),
    Kind("an HDF5 file", (".h5", ".hdf5"), (b"\x89HDF\r\n\x1a\n",), NO_TEXT),
    Kind("an SQLite database", (".sqlite", ".sqlite3", ".db"), (b"SQLite format 3\0",), SQLITE),
    Kind("a NumPy array", (".npy", ".npz"), (b"\x93NUMPY",), NO_TEXT),
    Kind("a file of safetensors", (".safetensors",), (), WEIGHTS),
    Kind("a GGUF file", (".gguf",), (b"GGUF\1\0\0\0", b"GGUF\2\0\0\0", b"GGUF\3\0\0\0"), WEIGHTS),
    Kind("a PyTorch checkpoint", (".pt", ".pth", ".ckpt"), (), WEIGHTS),
    Kind("a pickle", (".pkl", ".pickle"), (b"\x80\2", b"\x80\3", b"\x80\4", b"\x80\5"), PICKLE),
    Kind(ZIP, (".zip",), ZIP_MARKS, "There is nothing in it, or it is damaged. Make or download it again."),
    Kind("a tar archive", (".tar", ".tgz", ".tbz2", ".txz"), (b"ustar",), TAR, at=257),
    Kind("a 7z archive", (".7z",), (b"7z\xbc\xaf\x27\x1c",), UNPACK + "7z x {file} -o{folder}"),
    Kind("a RAR archive", (".rar",), (b"Rar!\x1a\x07",), UNPACK + "unrar x {file} {folder}/"),
    Kind("a Zstandard file", (".zst",), (), MISNAMED),
    Kind("an LZ4 file", (".lz4",), (b"\x04\x22\x4d\x18",), "Unpack it: lz4 -dc {file} > {unpacked}"),
    Kind("a compressed file", (".z",), (b"\x1f\x9d",), "Unpack it: gzip -dc {file} > {unpacked}"),
    Kind("a compressed file", (".gz", ".bz2", ".xz"), (), MISNAMED),
    Kind("a picture", PICTURES, PICTURE_MARKS, SEEN),
    Kind("a picture", (".svg",), (), NO_TEXT),
    Kind("a sound", SOUNDS, SOUND_MARKS, HEARD),
    Kind("music in MIDI", (".mid", ".midi"), (b"MThd\0",), MIDI),
    Kind("a video", (".mp4", ".mov", ".avi"), (b"ftyp",), HEARD, at=4),
    Kind("a video", (".mkv", ".webm"), (b"\x1a\x45\xdf\xa3",), HEARD),
    Kind("a program", PROGRAMS, (ELF, DOS, JAVA, *MACH_O, WASM, AR), NO_TEXT),
    Kind("a font", (".ttf", ".otf", ".woff", ".woff2"), (b"\0\1\0\0\0", b"OTTO\0", b"wOFF", b"wOF2"), NO_TEXT),
    Kind("a pointer of Git LFS", (), (b"version https://git-lfs.",), "Fetch the file that it stands for: git lfs pull"),
)

LARGEST_HEADER = 100_000_000  # bytes that safetensors allow
NBCONVERT = "jupyter nbconvert --to markdown --stdout {file} > {text}"
NOTEBOOK_KIND = Kind("a Jupyter notebook", (), (), "Take its texts out first: " + NBCONVERT)

IN_A_ZIP = (
    ("word/document.xml", ".docx"),
    ("xl/workbook.xml", ".xlsx"),
    ("ppt/presentation.xml", ".pptx"),
    ("META-INF/container.xml", ".epub"),
    ("content.xml", ".odt"),
    ("/data.pkl", ".pt"),
    (".npy", ".npz"),
)
"""How the name of a file inside ends, and the suffix of such archives."""

TEXT_BY_NATURE = (".svg", ".pkl", ".pickle")
"""What is written in letters too, such as a pickle of protocol 0: its name tells it from prose."""

WORDLIKE = (
    b"MZ",
    b"BM",
    b"ID3",
    b"RIFF",
    b"wOFF",
    b"wOF2",
    b"FEA1",
    b"PAR1",
    b"ftyp",
    b"ustar",
    b"BOOKMOBI",
    b"\xff\xfb",
)
"""Marks that a text may have there too, such as BMW. They are marks only beside bytes that no text has."""


def recognise(name: str, head: bytes, members: Sequence[str] = ()) -> Kind | None:
    """Recognise a file of another kind than plain text, by its first bytes, else by its name.

    A name counts only where the bytes are no plain text in UTF-8. head: at least its first page. members: the names
    of the files in a ZIP archive. None where it may be text.
    """
    page, suffix = head[:ONE_PAGE], Path(name).suffix.lower()
    for kind in KINDS:
        for mark in kind.marks:
            if page.startswith(mark, kind.at) and (mark not in WORDLIKE or _is_binary(page)):
                return _of_suffix(_in_zip(members)) or kind if kind.name == ZIP else kind
    if page[8:10] == b'{"' and int.from_bytes(page[:8], "little") < LARGEST_HEADER:
        return _of_suffix(".safetensors")
    called = _of_suffix(suffix)
    return None if called and suffix not in TEXT_BY_NATURE and _is_plain(head) else called


def refusal(name: str, kind: Kind) -> str:
    """Describe a file that is refused, with a command to paste."""
    path, remedy = Path(name), kind.remedy
    if "{" in remedy and (first := to_disk(name)) and not (remedy == TAR and os.path.isfile(name)):
        remedy = first  # a command needs a file; tar unpacks a compressed one by itself
    folder = path.parent / unpacked_name(path.name)
    names = {
        "{file}": name,
        "{text}": new_path(path.with_suffix(".txt")),
        "{unpacked}": new_path(path.with_suffix("") if path.suffix.lower() in kind.suffixes else path),
        "{folder}": new_path(folder.with_suffix("")),
        "{format}": kind.suffixes[0][1:] if kind.suffixes else "",
    }
    for place, filled in names.items():
        remedy = remedy.replace(place, shlex.quote(str(filled)))
    return f"{name}: this is {kind.name}, and plain text is expected. {remedy}"


def _of_suffix(suffix: str) -> Kind | None:
    return next((kind for kind in KINDS if suffix in kind.suffixes), None) if suffix else None


def _is_plain(head: bytes) -> bool:
    """Whether it is text in UTF-8, and not the web page that came in place of a download."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # its last character may be cut in two
    except UnicodeDecodeError:
        return False
    return not _is_binary(head) and not head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html"))


def _is_binary(head: bytes) -> bool:
    return any(byte < 9 or 13 < byte < 27 for byte in head)


def _in_zip(names: Sequence[str]) -> str:
    """Find the suffix of the document that a ZIP archive is; "" for any other archive."""
    return next((suffix for end, suffix in IN_A_ZIP if any(name.endswith(end) for name in names)), "")
