"""Every way to name a text, and what is said about one that cannot be used."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiktoken

from nextword.data import Reading, encode_corpus, read_corpus
from nextword.data.reading import AS_AT_FIRST, TEXT_SUFFIXES
from nextword.errors import DataError
from nextword.tokenizer import Tokenizer
from nextword.tokenizer.vocab import load_ids


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, so that messages show names as a user types them."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, content: str | bytes) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path.read_bytes()


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


def tiktoken_of_gpt2() -> tiktoken.Encoding:
    pattern = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
    marks = {"<|endoftext|>": 50256}
    return tiktoken.Encoding("gpt2-as-published", pat_str=pattern, mergeable_ranks=load_ids(), special_tokens=marks)


def message(*data: str) -> str:
    with pytest.raises(DataError) as error:
        read_corpus(data)
    assert "\n" not in str(error.value)
    return str(error.value)


EXPECTED = "Expected story, shakespeare, a text file, a folder of text files, or - for standard input."


# --- what is read ----------------------------------------------------------------------------------------


def test_the_story_comes_with_the_package() -> None:
    corpus = read_corpus(["story"])
    assert corpus.name == "story"
    assert len(corpus.documents) == 1
    assert 20_000 <= len(corpus.documents[0].encode()) <= 30_000


def test_a_file_is_one_document(here: Path) -> None:
    raw = write(here / "my notes.v2.txt", "Grüße, 世界 🦊\n")
    corpus = read_corpus(["my notes.v2.txt"])
    assert corpus.name == "my notes.v2"
    assert corpus.documents == ("Grüße, 世界 🦊\n",)
    assert corpus.sha256 == hashlib.sha256(raw).hexdigest()


def test_a_single_name_needs_no_list(here: Path) -> None:
    write(here / "notes.txt", "text")
    assert read_corpus("notes.txt") == read_corpus(["notes.txt"])


def test_a_file_may_have_any_suffix_or_none(here: Path) -> None:
    write(here / "README", "plain")
    write(here / "code.py", "print()")
    assert read_corpus(["README", "code.py"]).documents == ("plain", "print()")


def test_sources_keep_their_order(here: Path) -> None:
    write(here / "b.txt", "second letter")
    write(here / "a.txt", "first letter")
    write(here / "more" / "c.txt", "third letter")
    corpus = read_corpus(["b.txt", "more", "a.txt"])
    assert corpus.name == "b-and-2-more"
    assert corpus.documents == ("second letter", "third letter", "first letter")


def test_a_folder_is_its_text_files_sorted_by_path(here: Path) -> None:
    for name in ("z.txt", "a.md", "sub/deep/k.TEXT", "sub/b.rst", "sub/c.markdown"):
        write(here / "books" / name, name)
    for name in (".hidden.txt", ".git/description.txt", "photo.jpg", "table.csv", "README", "._z.txt"):
        write(here / "books" / name, b"\xff\xd8 not to be read")
    write(here / "books" / "blank.txt", " \n")
    corpus = read_corpus(["books"])
    assert corpus.name == "books"
    assert corpus.documents == ("a.md", "sub/b.rst", "sub/c.markdown", "sub/deep/k.TEXT", "z.txt")


def test_a_folder_ignores_links_that_lead_nowhere_or_in_circles(here: Path) -> None:
    write(here / "books" / "a.txt", "a")
    (here / "books" / "circle").symlink_to(here / "books", target_is_directory=True)
    (here / "books" / "broken.txt").symlink_to(here / "gone")
    assert read_corpus(["books"]).documents == ("a",)


def test_a_folder_tells_what_was_read_and_what_was_not(here: Path) -> None:
    for name in ("a.tex", "b.html", "sub/c.md", "d.txt", "e.rst", "f.org"):
        write(here / "books" / name, f"text of {name}")
    for name in ("x.jsonl", "sub/y.jsonl", "z.png", "requirements.txt", "Makefile", ".hidden.jsonl"):
        write(here / "books" / name, "not prose")
    write(here / "books" / "blank.txt", "\n")
    corpus = read_corpus(["books", "story"])
    assert len(corpus.documents) == 7
    assert corpus.account == (
        "Read 7 files: 1 .html, 1 .md, 1 .org, 1 .rst, 1 .tex, 1 .txt, story. "
        "Passed over: 2 .jsonl, 1 .png, Makefile, 1 blank, requirements.txt. Files can be named one by one.",
    )


def test_what_a_name_tells_is_not_told_again(here: Path) -> None:
    write(here / "a.txt", "a")
    write(here / "b.txt", "b")
    assert read_corpus(["a.txt"]).account == ()
    assert read_corpus(["a.txt", "b.txt"]).account == ("Read a.txt, b.txt.",)


# --- documents -------------------------------------------------------------------------------------------


def test_documents_are_separated_by_the_mark(here: Path) -> None:
    """As TinyStories and OpenWebText have it, with a mark after the last one."""
    stories = [f"Story {n}." for n in range(80)]
    write(here / "stories.txt", "".join(f"{story}\n<|endoftext|>\n" for story in stories))
    corpus = read_corpus(["stories.txt"])
    assert [document.strip() for document in corpus.documents] == stories
    assert corpus.account == ("80 documents, separated by <|endoftext|>.",)


def test_the_ids_are_those_that_tiktoken_gives(here: Path) -> None:
    text = "One. <|endoftext|>\nTwo<|endoftext|>  three"
    write(here / "a.txt", text)
    ids = encode_corpus(read_corpus(["a.txt"]), Tokenizer()).tolist()
    assert ids == tiktoken_of_gpt2().encode(text, allowed_special="all")
    assert ids == Tokenizer().encode_prompt(text)
    assert ids.count(50256) == 2


def test_another_separator_and_none(here: Path) -> None:
    write(here / "a.txt", "one\r\n---\r\ntwo<|endoftext|>three\n---\n\n---\n")
    other = read_corpus(["a.txt"], Reading(separator="\n---\n"))
    assert other.documents == ("one", "two<|endoftext|>three")
    assert other.account == ("2 documents, separated by \\n---\\n.",)
    none = read_corpus(["a.txt"], Reading(separator=""))
    assert none.documents == ("one\n---\ntwo<|endoftext|>three\n---\n\n---\n",)
    assert 50256 not in encode_corpus(none, Tokenizer()).tolist()


def test_nothing_but_separators_is_blank(here: Path) -> None:
    write(here / "a.txt", "<|endoftext|>\n<|endoftext|>")
    assert message("a.txt").startswith("a.txt: 27 bytes, all of them blank.")


# --- compressed files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "module"), [(".gz", gzip), (".bz2", bz2), (".xz", lzma)])
def test_a_compressed_text_is_unpacked(here: Path, suffix: str, module: Any) -> None:
    raw = write(here / f"tale.txt{suffix}", module.compress("Grüße\r\n".encode()))
    corpus = read_corpus([f"tale.txt{suffix}"])
    assert (corpus.name, corpus.documents) == ("tale", ("Grüße\n",))
    assert corpus.sha256 == hashlib.sha256(raw).hexdigest()
    write(here / f"cut.txt{suffix}", raw[:-6])
    assert message(f"cut.txt{suffix}").startswith(f"cut.txt{suffix}: a damaged {suffix} file (")


def test_what_is_compressed_is_looked_at(here: Path) -> None:
    write(here / "a.jsonl.gz", gzip.compress(b'{"text": "one"}\n{"text": "two"}\n'))
    assert read_corpus("a.jsonl.gz").documents == ("one", "two")
    write(here / "b.txt.gz", gzip.compress(b"%PDF-1.7\n"))
    assert message("b.txt.gz").startswith("b.txt.gz: this is a PDF, and plain text is expected. ")


def test_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = "déjà vu\n".encode()
    pipe(monkeypatch, raw)
    corpus = read_corpus(["-"])
    assert (corpus.name, corpus.documents) == ("stdin", ("déjà vu\n",))
    assert corpus.sha256 == hashlib.sha256(raw).hexdigest()


def test_a_built_in_name_wins_over_a_file(here: Path) -> None:
    write(here / "story", "my own")
    assert len(read_corpus(["story"]).documents[0]) > 1000
    assert read_corpus(["./story"]).documents == ("my own",)


def test_byte_order_mark_and_line_ends_do_not_change_the_text(here: Path) -> None:
    write(here / "unix.txt", "one\ntwo\nthree\n")
    write(here / "windows.txt", b"\xef\xbb\xbfone\r\ntwo\r\nthree\r\n")
    write(here / "old-mac.txt", b"one\rtwo\rthree\r")
    one, two, three = read_corpus(["unix.txt", "windows.txt", "old-mac.txt"]).documents
    assert one == two == three == "one\ntwo\nthree\n"


def test_only_a_leading_byte_order_mark_is_dropped(here: Path) -> None:
    write(here / "a.txt", "\ufeff\ufeffa\ufeff")
    assert read_corpus(["a.txt"]).documents == ("\ufeffa\ufeff",)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (".", "here"),
        ("sub/..", "here"),
        ("sub", "sub"),
        ("sub/", "sub"),
        ("link", "link"),
        (".secret", "secret"),
    ],
)
def test_a_name_is_fit_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, name: str) -> None:
    write(tmp_path / "here" / "sub" / "a.txt", "a")
    write(tmp_path / "here" / ".secret", "s")
    (tmp_path / "here" / "link").symlink_to("sub", target_is_directory=True)
    monkeypatch.chdir(tmp_path / "here")
    assert read_corpus([source]).name == name


# --- what identifies it ----------------------------------------------------------------------------------


def test_the_hash_sees_where_documents_end(here: Path) -> None:
    seen = set()
    for i, parts in enumerate([("ab", "c"), ("a", "bc"), ("c", "ab"), ("a", "b", "c"), ("abc",)]):
        names = []
        for j, part in enumerate(parts):
            write(here / f"{i}-{j}.txt", part)
            names.append(f"{i}-{j}.txt")
        seen.add(read_corpus(names).sha256)
    assert len(seen) == 5


def test_the_hash_is_of_the_bytes_not_of_the_names(here: Path) -> None:
    for first, second in ("a/1.txt", "a/2.txt"), ("b/x.md", "b/y.md"):
        write(here / first, "one text")
        write(here / second, "another")
    a, b = read_corpus(["a"]), read_corpus(["b/x.md", "b/y.md"])
    assert a.sha256 == b.sha256
    digests = [hashlib.sha256(document.encode()).digest() for document in a.documents]
    assert a.sha256 == hashlib.sha256(digests[0] + digests[1]).hexdigest()


def test_an_older_run_is_read_as_it_was(here: Path) -> None:
    write(here / "notes" / "a.txt", '{"a": "one<|endoftext|>two"}\n{"a": "b\0"}\n')
    write(here / "notes" / "requirements.txt", "torch")
    write(here / "notes" / "b.tex", "was passed over")
    corpus = read_corpus(["notes"], AS_AT_FIRST)
    assert corpus.documents == ('{"a": "one<|endoftext|>two"}\n{"a": "b\0"}\n', "torch")


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [[], [""], ["story", ""]])
def test_no_text_named(data: list[str]) -> None:
    assert message(*data) == f"no text named. {EXPECTED}"


def test_empty_and_blank(here: Path) -> None:
    write(here / "empty.txt", "")
    write(here / "blank.txt", "\ufeff \r\n\t\u2003\n")
    advice = "Expected text to learn from: add some, or name another source."
    assert message("empty.txt") == f"empty.txt: empty. {advice}"
    assert message("blank.txt") == f"blank.txt: 11 bytes, all of them blank. {advice}"


def test_empty_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, b"")
    assert message("-").startswith("standard input: empty. ")


def test_stdin_twice() -> None:
    expected = "-: named 2 times, but standard input can be read only once. Name it once."
    assert message("-", "story", "-") == expected


def test_stdin_from_the_keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stdin in (Terminal(), None):
        monkeypatch.setattr(sys, "stdin", stdin)
        assert message("-").endswith("Expected: cat *.txt | nextword train --data -")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("notse.txt", "notes.txt"),
        ("NOTES.TXT", "notes.txt"),
        ("books/emma.tx", "books/emma.txt"),
        ("storry", "story"),
        ("Shakespear", "shakespeare"),
    ],
)
def test_a_missing_file_that_is_nearly_there(here: Path, typed: str, meant: str) -> None:
    write(here / "notes.txt", "text")
    write(here / "books" / "emma.txt", "text")
    assert message(typed) == f"{typed}: no such file or folder. Did you mean {meant}?"


def test_a_missing_file_unlike_any_other(here: Path) -> None:
    write(here / "notes.txt", "text")
    assert message("xyzzy") == f"xyzzy: no such file or folder. {EXPECTED}"
    assert message("gone/xyzzy") == f"gone/xyzzy: no such file, and gone is not a folder. {EXPECTED}"
    assert message("notes.txt/x") == f"notes.txt/x: no such file, and notes.txt is not a folder. {EXPECTED}"


def test_a_shared_suffix_is_no_likeness(here: Path) -> None:
    write(here / "a.txt", "text")
    assert message("nope.txt") == f"nope.txt: no such file or folder. {EXPECTED}"


@pytest.mark.parametrize("offset", [0, 70_003, 3_000_000])
def test_not_utf8_names_the_byte(here: Path, offset: int) -> None:
    line = "café and thé !\n".encode()
    assert len(line) == 17  # an odd length, so that characters of two bytes stand across any boundary of blocks
    lines, spaces = divmod(offset, len(line))
    write(here / "my notes.txt", line * lines + b" " * spaces + b"\xe9t\xe9\n" + line)
    found = message("my notes.txt")
    assert found.startswith(f"my notes.txt: not UTF-8: byte 0xe9 at offset {offset} (line {lines + 1}). ")
    if offset:
        assert "It begins as text in UTF-8, so this is damage, or a part in another encoding. " in found
        assert found.endswith(": iconv -c -f UTF-8 -t UTF-8 'my notes.txt' > 'my notes.new.txt'")
    else:
        assert found.endswith(
            "If it is text, name its `encoding`: the bytes do not tell which, but whoever wrote them knows."
        )


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"\xef\xbb\xbfabc\xff", "byte 0xff at offset 6 (line 1)"),  # counted from the file's first byte
        (b"ab\n" + "é".encode()[:1], "byte 0xc3 at offset 3 (line 2)"),  # cut off in mid-character
        (b"a\xed\xa0\x80", "byte 0xed at offset 1 (line 1)"),  # a lone surrogate
    ],
)
def test_not_utf8_in_odd_places(here: Path, raw: bytes, where: str) -> None:
    write(here / "a.txt", raw)
    assert where in message("a.txt")


def test_not_utf8_in_a_folder_or_a_pipe(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "books" / "a.txt", "fine")
    write(here / "books" / "sub" / "b.txt", b"na\xefve")
    assert message("books").startswith(f"{Path('books/sub/b.txt')}: not UTF-8: byte 0xef at offset 2")
    pipe(monkeypatch, b"na\xefve")
    found = message("-")
    assert found.startswith("standard input: not UTF-8: byte 0xef at offset 2")
    assert "name its `encoding`" in found


def test_a_folder_without_text(here: Path) -> None:
    write(here / "pictures" / "a.jpg", b"\xff")
    write(here / "drafts" / "a.txt", "\n")
    expected = f"Expected files that end in {' '.join(TEXT_SUFFIXES)}. Files of other types can be named one by one."
    assert message("pictures") == f"pictures: a folder without text files: only 1 .jpg. {expected}"
    assert message("drafts") == f"drafts: a folder without text files: only 1 blank. {expected}"


def test_no_permission_to_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: Path, mode: str) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    write(here / "my notes.txt", "text")
    monkeypatch.setattr(Path, "open", deny)  # a chmod would not stop root
    assert message("my notes.txt") == (
        "my notes.txt: cannot be read (Permission denied). Try: chmod u+rX 'my notes.txt'"
    )


def test_no_permission_to_enter_a_subfolder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def deny(path: str) -> object:
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    write(here / "books" / "a.txt", "text")
    write(here / "books" / "locked" / "b.txt", "text")
    monkeypatch.setattr(os, "scandir", deny)
    locked = Path("books/locked")
    assert message("books") == f"{locked}: cannot be read (Permission denied). Try: chmod u+rX {locked}"


def test_the_text_itself_instead_of_a_name() -> None:
    assert "cannot be read (File name too long). Expected story, " in message("Once upon a time " * 50)


# --- what it costs ---------------------------------------------------------------------------------------


def test_reading_text_imports_no_torch(here: Path) -> None:
    write(here / "notes.txt", "text")
    program = "import sys, nextword.data as d; d.read_corpus(['notes.txt']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_the_package_exports_what_it_names() -> None:
    import nextword.data

    for name in nextword.data.__all__:
        assert getattr(nextword.data, name).__name__ == name
    assert set(nextword.data.__all__) <= set(dir(nextword.data))
    with pytest.raises(AttributeError, match=r"module 'nextword\.data' has no attribute 'windowz'"):
        nextword.data.windowz
