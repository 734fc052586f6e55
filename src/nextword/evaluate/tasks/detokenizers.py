"""Texts that were cut into words, written again as people write them: GPT-2 has hardly seen ` ,` and ` n't`."""

import re

Rule = tuple[str | re.Pattern[str], str]


def applied(rules: tuple[Rule, ...], text: str) -> str:
    """Replace what each rule says, one after the other."""
    for old, new in rules:
        text = text.replace(old, new) if isinstance(old, str) else old.sub(new, text)
    return text


def inside(opening: str, closing: str) -> Rule:
    """Make a rule: no space after an opening mark and before its closing one."""
    a, b = re.escape(opening), re.escape(closing)
    return re.compile(rf"{a}\s*([^{b}]*?)\s*{b}"), rf"{opening}\1{closing}"


WIKITEXT: tuple[Rule, ...] = (
    ("s '", "s'"),
    (re.compile("/' [0-9]/"), "/'[0-9]/"),  # it never matches; the harness has it so
    *((f" @{mark}@ ", mark) for mark in "-,."),
    *((f" {mark} ", f"{mark} ") for mark in ":;.!?,"),
    *(inside(*pair) for pair in ("()", "[]", "{}", '""', "''")),
    *(("= " * n + "=", "=" * (n + 1)) for n in (3, 2, 1)),
    (" ° ", "°"),
    (" \n", "\n"),
    ("\n ", "\n"),
    (" N ", " 1 "),
    (" 's", "'s"),
)
"""WikiText's, in lm-evaluation-harness's order."""

PENN: tuple[Rule, ...] = (
    (" n't", "n't"),
    *((f" '{end}", f"'{end}") for end in ("s", "re", "ve", "ll", "d", "m", "em")),
    ("$ ", "$"),
    (" %", "%"),
    *((f" {mark}", mark) for mark in ".,:;!?"),
    (" \n", "\n"),
    ("\n ", "\n"),
)
"""Penn Treebank's cuts. Its <unk> and its N, for numbers, stay: nobody knows what stood there."""

BOOKS: tuple[Rule, ...] = (
    ("-LRB- ", "("),
    (" -RRB-", ")"),
    ("`` ", '"'),
    (" ''", '"'),
    (" n't", "n't"),
    *((f" '{end}", f"'{end}") for end in ("s", "re", "ve", "ll", "d", "m")),
    *((f" {mark}", mark) for mark in ".,:;!?"),
)
"""The Children's Book Test's cuts."""


def wikitext_as_written(text: str) -> str:
    """Undo WikiText's cutting into words."""
    return applied(WIKITEXT, text)


def penn_as_written(text: str) -> str:
    """Undo Penn Treebank's cutting into words."""
    return applied(PENN, text)


def books_as_written(text: str) -> str:
    """Undo the Children's Book Test's cutting into words."""
    return applied(BOOKS, text)
