"""HellaSwag: which of four endings a scene goes on with.

Source: Zellers et al., "HellaSwag: Can a Machine Really Finish Your Sentence?" (2019).
"""

import re
from typing import Any, ClassVar

import numpy as np

from nextword.evaluate.scoring import Request, Score
from nextword.evaluate.task import Measure, Outcome, Published, Task, mean_of
from nextword.evaluate.tasks.pairs import encoded_pair
from nextword.evaluate.tasks.source import TaskData
from nextword.tokenizer import Tokenizer

HARNESS = "lm-evaluation-harness, hellaswag"
COMPLETION_SOURCE = "build-nanogpt, by the mean over the ending's tokens"
LM_EVAL, COMPLETION = "lm-eval", "completion"
MARK = re.compile(r"\[.*?\]")


class HellaSwag(Task):
    """Scenes with four endings, the likeliest of which is taken.

    lm-eval: the activity stands before the scene, marks of WikiHow are taken out, and an ending counts by its
    probability, or by its mean over characters. completion: the scene as it stands, and the mean over tokens.
    """

    name = "hellaswag"
    hub = "hub:Rowan/hellaswag:validation"
    unit = "scenes"
    protocols = (LM_EVAL, COMPLETION)
    aliases: ClassVar[dict[str, str]] = {"paper": LM_EVAL}
    formats = "hellaswag_val.jsonl: records with activity_label, ctx_a, ctx_b, ctx, endings and label"

    def __init__(self, data: TaskData, tokenizer: Tokenizer, n_ctx: int, protocol: str):
        self._rows = data.having("activity_label", "ctx_a", "ctx_b", "ctx", "endings", "label")
        self._tokenizer, self.protocol, self._sha256 = tokenizer, protocol, data.sha256
        self.about = (
            "The activity stands before the scene; normalised by an ending's characters, or not."
            if protocol == LM_EVAL
            else "The scene as it stands; normalised by an ending's tokens, or not."
        )

    @property
    def n_items(self) -> int:
        """Count the scenes."""
        return len(self._rows)

    @property
    def sha256(self) -> str:
        """Identify the scenes."""
        return self._sha256

    @property
    def measures(self) -> tuple[Measure, ...]:
        """List what is told of this protocol."""
        return self.measures_of(self.protocol)

    @classmethod
    def measures_of(cls, protocol: str) -> tuple[Measure, ...]:
        """List the accuracy by the mean, and by the whole probability."""
        by_mean, whole = {
            LM_EVAL: ((Published(0.3114, HARNESS),), (Published(0.2892, HARNESS),)),
            COMPLETION: ((Published(0.2955, COMPLETION_SOURCE),), ()),
        }[protocol]
        return (
            Measure("accuracy, normalised", mean_of("correct_by_mean"), percent=True, known=by_mean),
            Measure("accuracy", mean_of("correct"), percent=True, known=whole),
        )

    def request(self, item: int) -> Request:
        """Put a scene with its four endings."""
        context = self._context(self._rows[item])
        pairs = [encoded_pair(self._tokenizer, context, f" {end}") for end in self._endings(self._rows[item])]
        return Request(pairs[0][0], tuple(end for _, end in pairs))

    def outcome(self, item: int, scores: tuple[Score, ...]) -> Outcome:
        """Count whether the right ending is the likeliest."""
        row, logprobs = self._rows[item], np.array([scored.logprob for scored in scores])
        lengths = (
            [len(end) for end in self._endings(row)]
            if self.protocol == LM_EVAL
            else [len(scored.logprobs) for scored in scores]
        )
        right = int(row["label"])
        return {
            "count": 1.0,
            "correct": float(logprobs.argmax() == right),
            "correct_by_mean": float((logprobs / np.maximum(1, lengths)).argmax() == right),
        }

    def _context(self, row: dict[str, Any]) -> str:
        if self.protocol == COMPLETION:
            return str(row["ctx"])
        return cleaned(f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}")

    def _endings(self, row: dict[str, Any]) -> list[str]:
        return [cleaned(end) if self.protocol == LM_EVAL else str(end) for end in row["endings"]]


def cleaned(text: str) -> str:
    """Take WikiHow's marks out of a text, as lm-evaluation-harness does."""
    return MARK.sub("", text.strip().replace(" [title]", ". ")).replace("  ", " ")
