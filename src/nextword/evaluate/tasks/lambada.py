"""LAMBADA: the last word of a passage, which only the whole passage tells.

Source: Paperno et al., "The LAMBADA dataset: Word prediction requiring a broad discourse context" (2016).
"""

from typing import ClassVar

from nextword.evaluate.scoring import Request, Score
from nextword.evaluate.task import Measure, Outcome, Published, Task, exponential_of, mean_of
from nextword.evaluate.tasks.pairs import encoded_pair
from nextword.evaluate.tasks.source import TaskData
from nextword.tokenizer import Tokenizer

PAPER = "Radford et al. (2019), table 3"
HARNESS = "lm-evaluation-harness, lambada_openai"
WORD, LAST_TOKEN = "lm-eval", "last-token"


class Lambada(Task):
    """Passages, of each of which the last word (lm-eval) or its last token (last-token) is predicted."""

    name = "lambada"
    hub = "hub:EleutherAI/lambada_openai:test"
    unit = "passages"
    protocols = (WORD, LAST_TOKEN)
    aliases: ClassVar[dict[str, str]] = {"paper": LAST_TOKEN}
    formats = "a file of records with a column text, or a text with a passage in each line"

    def __init__(self, data: TaskData, tokenizer: Tokenizer, n_ctx: int, protocol: str):
        lines = data.text.splitlines() if data.rows is None else data.column("text")
        # A passage that ends in white space has no last word after its last space.
        self._texts = [line.strip() for line in lines if line.strip()]
        self._tokenizer, self.protocol, self._sha256 = tokenizer, protocol, data.sha256
        self.about = (
            "The whole last word counts, with all of its tokens, and perplexity is one of words."
            if protocol == WORD
            else "Only the last token of the last word counts, given its others; so the paper has it."
        )

    @property
    def n_items(self) -> int:
        """Count the passages."""
        return len(self._texts)

    @property
    def sha256(self) -> str:
        """Identify the passages."""
        return self._sha256

    @property
    def measures(self) -> tuple[Measure, ...]:
        """List what is told of this protocol."""
        return self.measures_of(self.protocol)

    @classmethod
    def measures_of(cls, protocol: str) -> tuple[Measure, ...]:
        """List accuracy and perplexity."""
        accuracy, perplexity = {
            LAST_TOKEN: (Published(0.4599, PAPER), Published(35.13, PAPER)),
            WORD: (Published(0.3256, HARNESS), Published(40.06, HARNESS)),
        }[protocol]
        return (
            Measure("accuracy", mean_of("correct"), percent=True, known=(accuracy,)),
            Measure("perplexity", exponential_of("nll"), low_is_good=True, known=(perplexity,)),
        )

    def request(self, item: int) -> Request:
        """Put a passage without its last word, or without its last token."""
        text = self._texts[item]
        if self.protocol == LAST_TOKEN:
            ids = self._tokenizer.encode(text)
            return Request(ids[:-1] or [ids[-1]], (ids[-1:],))
        context, _, word = text.rpartition(" ")
        beginning, end = encoded_pair(self._tokenizer, context, f" {word}")
        return Request(beginning, (end,))

    def outcome(self, item: int, scores: tuple[Score, ...]) -> Outcome:
        """Count whether it is what greedy decoding writes, and its surprise."""
        return {"count": 1.0, "correct": float(scores[0].is_greedy), "nll": -scores[0].logprob}
