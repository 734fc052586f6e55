"""How files become documents: the settings of it."""

from dataclasses import dataclass

from nextword.tokenizer.vocab import END_OF_TEXT

STDIN = "standard input"
FIRST_SUFFIXES = (".txt", ".text", ".md", ".markdown", ".rst")
PROSE_SUFFIXES = (*FIRST_SUFFIXES, ".mdx", ".tex", ".html", ".htm", ".xhtml", ".org", ".adoc", ".asciidoc", ".textile")
RECORD_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", ".feather", ".zip")
PACKED_SUFFIXES = (".gz", ".zst", ".xz", ".bz2")
TEXT_SUFFIXES = (*PROSE_SUFFIXES, *RECORD_SUFFIXES, *PACKED_SUFFIXES)
"""What counts as text inside a folder. At first it was the first five, and a run that began then still says so."""


@dataclass(frozen=True)
class Reading:
    """How files become documents.

    separator: what stands between two documents of one file; "" where nothing does. encoding: of all files but the
    built-in texts, in Python's name for it; None is UTF-8. as_text: take JSON, tables and the like as they stand,
    where their texts are taken out of them otherwise. suffixes: which files of a folder are read. field: the path of
    the text in records, such as `text` or `messages.0.content`; None is the only one that may be it.
    """

    separator: str = END_OF_TEXT
    encoding: str | None = None
    as_text: bool = False
    suffixes: tuple[str, ...] = TEXT_SUFFIXES
    field: str | None = None


AS_USUAL = Reading()
AS_AT_FIRST = Reading(separator="", as_text=True, suffixes=FIRST_SUFFIXES)
"""How text was read before there was such a choice."""
