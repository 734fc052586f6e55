"""The order of the exercises: from text to a model of one's own that trains and writes."""

from collections.abc import Iterator
from importlib import import_module

from nextword.learn.checker.exercise import Exercise

CHAPTERS: dict[str, tuple[str, ...]] = {
    "data": ("encode", "decode", "windows", "split", "batches"),
    "parts": ("embed", "layer_norm", "gelu", "softmax"),
    "attention": ("scores", "mask", "heads", "attention", "dropout"),
    "the model": ("mlp", "block", "head", "gpt", "init_weights", "n_params"),
    "training": (
        "cross_entropy",
        "perplexity",
        "parameter_groups",
        "learning_rate",
        "gradient_step",
        "evaluate",
        "train",
        "resume",
    ),
    "writing": ("greedy", "temperature", "top_k", "top_p", "generate"),
    "weights": ("conv1d", "load_weights", "verify"),
    "electives": ("bpe_merges", "kv_cache", "lora", "logit_lens"),
}
"""The exercises by their names, which are also those of their files in learn/exercises."""


class Track:
    """All exercises in their order, each imported when it is first asked for."""

    names = tuple(name for chapter in CHAPTERS.values() for name in chapter)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Exercise]:
        return (self[name] for name in self.names)

    def __getitem__(self, name: str) -> Exercise:
        exercise: Exercise = import_module(f"nextword.learn.exercises.{name}").EXERCISE
        return exercise

    def number(self, name: str) -> int:
        """An exercise's place in the order, from 1."""
        return self.names.index(name) + 1

    def chapter(self, name: str) -> str:
        """The chapter that an exercise belongs to."""
        return next(chapter for chapter, names in CHAPTERS.items() if name in names)


TRACK = Track()
