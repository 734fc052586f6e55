"""Texts whose loss is told in units of their own: words, characters or bytes."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nextword.evaluate.task import Measure, Published, bits_of, exponential_of
from nextword.evaluate.tasks.detokenizers import penn_as_written, wikitext_as_written
from nextword.evaluate.tasks.source import TaskData
from nextword.evaluate.text import BITS, LOSS, PERPLEXITY, TextTask, strided_windows
from nextword.tokenizer import Tokenizer

PAPER_SOURCE = "Radford et al. (2019), table 3"
HARNESS = "lm-evaluation-harness, wikitext"
PAPER, LM_EVAL, HF_STRIDE = "paper", "lm-eval", "hf-stride"
TITLE = re.compile(r"(?m)^ = [^=\n]+ = $")
HF_STEP = 512
"""Tokens by which the windows of hf-stride move on, or half the context of a smaller model."""
LAST = 5_000_000
"""Bytes of text8 and enwik8 that are their test set."""


@dataclass(frozen=True)
class BenchmarkCorpus:
    """How a corpus is read. as_written: undoes how it was cut. unit: what its loss is divided by, in one word.

    hub: its data set there, if there is one. known: by protocol, the published value of gpt2. whole: whether it is one
    text, where others are sentences.
    """

    name: str
    hub: str
    unit: str
    as_written: Callable[[str], str]
    known: dict[str, Published]
    protocols: tuple[str, ...] = (PAPER,)
    formats: str = "the test set's text, or records with a column text"
    whole: bool = True


def as_it_is(text: str) -> str:
    """Leave a text alone."""
    return text


CORPORA = (
    BenchmarkCorpus(
        "wikitext2",
        "hub:Salesforce/wikitext/wikitext-2-raw-v1:test",
        "words",
        wikitext_as_written,
        {PAPER: Published(29.41, PAPER_SOURCE), LM_EVAL: Published(37.37, HARNESS)},
        (PAPER, LM_EVAL, HF_STRIDE),
    ),
    BenchmarkCorpus(
        "wikitext103",
        "hub:Salesforce/wikitext/wikitext-103-raw-v1:test",
        "words",
        wikitext_as_written,
        {PAPER: Published(37.50, PAPER_SOURCE)},
        (PAPER, LM_EVAL, HF_STRIDE),
    ),
    BenchmarkCorpus(
        "ptb",
        "",
        "words",
        penn_as_written,
        {PAPER: Published(65.85, PAPER_SOURCE)},
        formats="ptb.test.txt, of Mikolov's simple-examples.tgz",
    ),
    BenchmarkCorpus(
        "1bw",
        "",
        "words",
        penn_as_written,
        {PAPER: Published(75.20, PAPER_SOURCE)},
        formats="news.en.heldout-00000-of-00050, of 1-billion-word-language-modeling-benchmark-r13output.tar.gz",
        whole=False,
    ),
    BenchmarkCorpus(
        "enwik8", "", "bytes", as_it_is, {PAPER: Published(1.16, PAPER_SOURCE)}, formats="enwik8, of enwik8.zip"
    ),
    BenchmarkCorpus(
        "text8", "", "characters", as_it_is, {PAPER: Published(1.17, PAPER_SOURCE)}, formats="text8, of text8.zip"
    ),
)


class LanguageTask(TextTask):
    """The loss over a corpus, in the corpus's own units.

    paper: written as people write, divided by the words that the corpus was cut into, with one for each line's end.
    lm-eval: each article by itself, divided by its words. hf-stride: the text as it was cut, by tokens.
    """

    def __init__(self, corpus: BenchmarkCorpus, data: TaskData, tokenizer: Tokenizer, n_ctx: int, protocol: str):
        documents = documents_of(corpus, data, protocol)
        self._strided = strided = protocol == HF_STRIDE
        super().__init__(
            documents if strided else [corpus.as_written(text) for text in documents],
            tokenizer,
            n_ctx,
            min(HF_STEP, n_ctx // 2) if strided else None,
            sha256=data.sha256,
            units=None if strided else [units_of(corpus, text, protocol) for text in documents],
            begins=not strided,
        )
        self.name, self.protocol, self._corpus = corpus.name, protocol, corpus
        self.about = {
            PAPER: f"Divided by the corpus's own {corpus.unit}"
            + (", with one for each line's end; spaces as people write them." if corpus.unit == "words" else "."),
            LM_EVAL: "Each article by itself, divided by its words; spaces as people write them.",
            HF_STRIDE: f"The text as it stands, by tokens, in windows of {n_ctx} that move on by {self.stride}.",
        }[protocol]

    def cut(self, length: int) -> Iterator[tuple[int, int, int]]:
        """Cut a document of so many ids into windows, as the protocol does."""
        return strided_windows(length, self.n_ctx, self.stride) if self._strided else super().cut(length)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """List what is told of this corpus and protocol."""
        return measures_of(self._corpus, self.protocol)


def measures_of(corpus: BenchmarkCorpus, protocol: str) -> tuple[Measure, ...]:
    """List the measure that is published, before those of any text."""
    known = (corpus.known[protocol],) if protocol in corpus.known else ()
    if protocol == HF_STRIDE:
        return PERPLEXITY, LOSS, BITS
    if corpus.unit == "words":
        first = Measure("perplexity a word", exponential_of("nll", "units"), low_is_good=True, known=known)
    else:
        unit = {"bytes": "byte", "characters": "character"}[corpus.unit]
        first = Measure(f"bits a {unit} of the corpus", bits_of("nll", "units"), low_is_good=True, known=known)
    return first, LOSS, PERPLEXITY, BITS


def documents_of(corpus: BenchmarkCorpus, data: TaskData, protocol: str) -> list[str]:
    """Take a corpus apart into what is read by itself: articles, sentences, or all of it."""
    lines = (
        data.text.split("\n") if data.rows is None else [str(line).rstrip("\n") for line in data.column(column(data))]
    )
    if not corpus.whole:
        return [line for line in lines if line.strip()]
    if corpus.unit != "words":
        return [tail(data.text if data.rows is None else "\n".join(lines))]
    if protocol == HF_STRIDE:  # as the documentation of transformers joins the lines of this data set
        return ["\n\n".join(lines if data.rows is None else data.column(column(data)))]
    text = "\n".join(lines)
    return articles(text) if protocol == LM_EVAL else [text]


def column(data: TaskData) -> str:
    """Name the column that holds the text."""
    first = data.rows[0] if data.rows else {}
    return next((name for name in ("text", "sentence", "page") if name in first), "text")


def articles(text: str) -> list[str]:
    """Cut WikiText before each title of the highest level."""
    starts = [found.start() for found in TITLE.finditer(text)]
    if not starts:
        return [text]
    begins = [0, *starts[1:]] if not text[: starts[0]].strip() else [0, *starts]
    return [text[a:b] for a, b in zip(begins, [*begins[1:], len(text)], strict=True)]


def tail(text: str) -> str:
    """Take the last five million bytes, text8's and enwik8's test set, of a text of over fifty."""
    raw = text.encode()
    return raw[-LAST:].decode(errors="ignore") if len(raw) > 10 * LAST else text


def units_of(corpus: BenchmarkCorpus, text: str, protocol: str) -> int:
    """Count the units of a document as it was cut."""
    if corpus.unit == "bytes":
        return len(text.encode())
    if corpus.unit == "characters":
        return len(text)
    if protocol == LM_EVAL:
        return len(re.split(r"\s+", text))
    return len(text.split()) + text.count("\n") + (not text.endswith("\n"))
