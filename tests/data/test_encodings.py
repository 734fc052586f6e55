"""Texts in many encodings: read where the encoding is named, refused in true words where it is not."""

import codecs
import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from nextword.data import Reading, read_corpus
from nextword.data.encodings import check_encoding, plain_lines, to_text
from nextword.errors import DataError
from nextword.train import TrainConfig

ENGLISH = "The old boat crosses the river.\nNobody says a word.\n" * 20
TEXTS = {
    "English": ENGLISH,
    "German": "Über den Fluß fährt das alte Boot.\n" * 20,
    "Russian": "Старая лодка медленно идёт через реку.\n" * 20,
    "Chinese": "河对岸的旧船慢慢地走，没有人说一句话。\n" * 20,
    "Hindi": "नदी के पार पुरानी नाव धीरे धीरे चलती है।\n" * 20,
    "Japanese": "あのひとはきのうふねにのった。\n" * 20,
}
UNKNOWN = "If it is text, name its `encoding`: the bytes do not tell which, but whoever wrote them knows."


def message(raw: bytes, encoding: str | None = None) -> str:
    with pytest.raises(DataError) as error:
        to_text("a.txt", raw, encoding)
    return str(error.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("language", TEXTS)
def test_wide_characters_without_a_mark_are_told_by_their_nuls(language: str, encoding: str) -> None:
    raw = TEXTS[language].encode(encoding)
    assert message(raw).endswith(f"It looks like text in {encoding.upper()}. Add `encoding={encoding!r}`.")
    assert to_text("a.txt", raw, encoding) == TEXTS[language]


@pytest.mark.parametrize(
    ("mark", "encoding", "named"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
    ],
)
def test_a_mark_tells_the_encoding(mark: bytes, encoding: str, named: str) -> None:
    raw = mark + "one\r\ntwo\r\n".encode(encoding)
    assert message(raw).endswith(f"It looks like text in {named.upper()}. Add `encoding={named!r}`.")
    assert to_text("a.txt", raw, named) == to_text("a.txt", raw, encoding) == "one\ntwo\n"


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("German", "windows-1252"),
        ("Russian", "koi8-r"),
        ("Russian", "windows-1251"),
        ("Chinese", "gbk"),
        ("Chinese", "big5hkscs"),
        ("Japanese", "shift_jis"),
        ("Japanese", "euc-jp"),
    ],
)
def test_no_encoding_is_guessed_that_the_bytes_do_not_show(language: str, encoding: str) -> None:
    text = TEXTS[language].replace("艘", "")
    if encoding == "big5hkscs":
        text = "河對岸的舊船慢慢地走。\n" * 20
    raw = text.encode(encoding)
    found = message(raw)
    assert found.startswith("a.txt: not UTF-8: byte 0x")
    assert found.endswith(f"(line 1). {UNKNOWN}")
    assert to_text("a.txt", raw, encoding) == text


@pytest.mark.parametrize("n_times", [1, 4000])  # within the first bytes that are looked at, and beyond
@pytest.mark.parametrize("language", ["German", "Chinese"])
def test_a_text_that_is_cut_off_within_a_character(language: str, n_times: int, tmp_path: Path) -> None:
    text = TEXTS[language].strip() * n_times
    raw = text.encode() + "船".encode()[:2]
    (tmp_path / "a.txt").write_bytes(raw)
    with pytest.raises(DataError) as error:
        read_corpus(str(tmp_path / "a.txt"))
    where, found = f"at offset {len(raw) - 2} (line ", str(error.value)
    assert where in found
    assert "It is text in UTF-8 that is cut off at its end, in the middle of a character. Make or fetch it" in found
    if shutil.which("iconv"):
        subprocess.run(found[found.index("iconv ") :], shell=True)
        assert read_corpus(str(tmp_path / "a.new.txt")).documents == (text,)


def test_a_wrong_byte_in_a_text_in_utf8(tmp_path: Path) -> None:
    raw = TEXTS["German"].encode() + b"\xff\n" + TEXTS["German"].encode()
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(raw))
    with pytest.raises(DataError) as error:
        read_corpus(str(tmp_path / "a.txt.gz"))
    assert f"byte 0xff at offset {len(raw) // 2 - 1} (line 21). All the rest, or nearly, is" in str(error.value)
    assert str(error.value).endswith(f"gzip -dc {tmp_path}/a.txt.gz > {tmp_path}/a.txt")
    assert message(raw).endswith("or pass it through iconv -c -f UTF-8 -t UTF-8, which leaves out what is wrong.")


def test_a_wrong_byte_in_ascii_may_be_a_letter_as_well() -> None:
    for raw in ("café au lait".encode("latin-1"), "un café".encode("latin-1")):
        found = message(raw)
        assert "(line 1). All the rest is ASCII, so this may be damage. Make or fetch it anew, or" in found
        assert found.endswith(f". {UNKNOWN}")
    assert "All the rest" not in message(b"a\0b\xff")


def test_another_encoding_than_the_named_one() -> None:
    assert message("Fluß".encode("windows-1252") + b"\x81", "windows-1252").startswith(
        "a.txt: not windows-1252: byte 0x81 at offset 4 (line 1)."
    )
    assert "characters are NUL" in message(ENGLISH.encode("utf-16-le"), "latin-1")


def test_data_that_is_no_text_and_a_few_stray_nuls() -> None:
    assert message(b"ab\0\0\0\0\1" * 50).endswith(f"That is not what text looks like. {UNKNOWN}")
    assert to_text("a.txt", (ENGLISH + "\0").encode()) == ENGLISH + "\0"
    assert to_text("a.txt", b"a\0b\0", strict=False) == "a\0b\0"


def test_line_ends_and_marks() -> None:
    assert plain_lines("\ufeffone\r\ntwo\rthree\n") == "one\ntwo\nthree\n"
    assert plain_lines("\ufeff\ufeffa") == "\ufeffa"


def test_the_encoding_is_that_of_files_and_not_of_the_story(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(TEXTS["Chinese"].encode("gbk"))
    corpus = read_corpus([str(tmp_path / "a.txt"), "story"], Reading(encoding="gbk"))
    assert corpus.documents[0] == TEXTS["Chinese"]
    assert corpus.documents[1] == read_corpus("story").documents[0]


@pytest.mark.parametrize("name", ["utf-8", "UTF-16", "gbk", "KOI8-R", "latin1", "windows-1252"])
def test_encodings_that_there_are(name: str) -> None:
    check_encoding(name)
    assert TrainConfig(encoding=name).encoding == name


def test_encodings_that_there_are_not() -> None:
    with pytest.raises(ValueError, match=r"^encoding windws-1252 is no encoding .* Did you mean windows-1252"):
        TrainConfig(encoding="windws-1252")
    with pytest.raises(ValueError, match=r"knows\. Give its usual name, such as utf-16 or koi8-r\.$"):
        check_encoding("base64")
    for name in ("klingon", "hex", "rot13"):  # Python calls the last two encodings as well, but not of text
        with pytest.raises(ValueError, match=rf"^encoding {name} is no encoding that Python knows"):
            check_encoding(name)
