"""The writing loop: read, choose, put it behind the text, and again."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe

MISTAKES = (
    Mistake(
        name="wrong-end",
        equals="a loop that shows the model the beginning of a text that is too long",
        remedy="Keep the last n_ctx tokens: ids[:, -n_ctx:].",
        why="ids[:, :n_ctx] cuts what was just written: from there on the model sees the same text again and again, "
        "and says the same of it.",
    ),
    Mistake(
        name="not-cut",
        equals="a loop that shows the model more than n_ctx tokens",
        remedy="Show it the last n_ctx tokens only: model(ids[:, -n_ctx:]).",
        why="There is no position embedding beyond n_ctx, so that a real model stops with an error there.",
    ),
    Mistake(
        name="text-cut",
        equals="a loop that gives back the last n_ctx tokens only",
        remedy="Cut what the model sees, and not the text: seen = ids[:, -n_ctx:] has a name of its own.",
        why="ids = ids[:, -n_ctx:] forgets the beginning of the text for good.",
    ),
    Mistake(
        name="one-token-seen",
        equals="a loop that shows the model only the newest token",
        remedy="Show it the whole text, model(ids[:, -n_ctx:]); a single token will do only with a cache.",
        why="Without a cache the model remembers nothing. Each call is a new text to it.",
    ),
    Mistake(
        name="first-position",
        equals="a loop that chooses by the first position's logits",
        remedy="Choose by the last position's: logits[:, -1].",
        why="Only the last position has seen the whole text.",
    ),
    Mistake(
        name="last-but-one",
        equals="a loop that chooses by the logits before the last position",
        remedy="Choose by the last position's: logits[:, -1].",
        why="One position earlier the model says what it has already been given.",
    ),
    Mistake(
        name="dropout-on",
        equals="a loop that writes with dropout",
        remedy="Call model.eval() before writing.",
        why="In training mode a share of the numbers is zeroed at random: the text is worse than the model, "
        "and greedy writing is no longer the same each time.",
    ),
    Mistake(
        name="mode-not-restored",
        equals="a loop that leaves the model in eval mode",
        remedy="Remember was_training = model.training, and put it back at the end: model.train(was_training).",
        why="Whoever lets a model write in the middle of training would go on training without dropout.",
    ),
    Mistake(
        name="always-train-afterwards",
        equals="a loop that puts the model in training mode at the end, whatever it was in",
        remedy="Put back what was: model.train(was_training).",
        why="A model that was in eval mode would begin to drop out numbers in whatever comes next.",
    ),
    Mistake(
        name="gradients",
        equals="a loop that remembers everything for a backward pass",
        remedy="Write under torch.no_grad(), as a decorator or a with block.",
        why="Each call of the model keeps its activations alive for a gradient that nobody asks for: time and memory.",
    ),
    Mistake(
        name="one-too-few",
        equals="a loop that writes one token too few",
        remedy="Repeat max_new_tokens times: for _ in range(max_new_tokens).",
        why="Counting from 1, or up to the text's length, is easily one off.",
    ),
    Mistake(
        name="prompt-missing",
        equals="a loop that gives back only what was written",
        remedy="Give back the text with its beginning: torch.cat((ids, next_ids), dim=-1) at each step.",
        why="The contract is (B, T) -> (B, T + new).",
    ),
    Mistake(
        name="end-ignored",
        equals="a loop that writes on after the end of a text",
        remedy="Remember which rows have written end_id, and give them nothing but end_id from there on.",
        why="After <|endoftext|> the model begins another document, which has nothing to do with the prompt.",
    ),
    Mistake(
        name="rows-end-together",
        equals="a loop that stops for all as soon as one row has ended",
        remedy="Stop when all rows have ended: ended.all(), not ended.any().",
        why="Texts side by side are of different lengths. The shortest must not cut off the others.",
    ),
    Mistake(
        name="never-early",
        equals="a loop that goes on when all rows have ended",
        remedy="Leave the loop once ended.all() is true.",
        why="The result would be right but for a tail of end_id that nobody needs, and each of them costs a call.",
    ),
    Mistake(
        name="ended-rows-go-on",
        equals="a loop that stops in time, but lets ended rows write on until then",
        remedy="Overwrite what an ended row chose: next_ids.masked_fill(ended, end_id).",
        why="While other rows are still at work, the ended one would begin another document.",
    ),
    Mistake(
        name="end-in-prompt",
        equals="a loop that counts an end_id in the prompt as the end",
        remedy="Look for end_id among the tokens that were written, not in the whole text.",
        why="Documents begin behind <|endoftext|>, so that prompts often hold one.",
    ),
    Mistake(
        name="choose-ignored",
        equals="a loop that takes the likeliest token itself, and never asks choose",
        remedy="Ask the argument: next_ids = choose(logits[:, -1]).",
        why="How to choose is up to the caller: greedily, with a temperature, by top-p. The loop is the same.",
    ),
    Mistake(
        name="whole-logits",
        equals="a loop that gives choose the logits of all positions",
        remedy="Give it the last position's: choose(logits[:, -1]), of the shape (B, V).",
        why="choose knows of no positions. Only what comes after the whole text matters here.",
    ),
    Mistake(
        name="total-length",
        equals="a loop that ends when the text has max_new_tokens tokens, those of the prompt included",
        remedy="Make max_new_tokens rounds, however long the prompt is: for _ in range(max_new_tokens).",
        why="Some libraries count that way (max_length). Behind a long prompt nothing would be written then.",
    ),
    Mistake(
        name="returned-in-loop",
        equals="a loop that ends after its first round",
        remedy="Return after the loop: the return is indented too far.",
        why="One token is written, and the rest of the rounds never come.",
    ),
    Mistake(
        name="end-zero-ignored",
        equals="a loop that takes an end_id of 0 for none",
        remedy="Ask `if end_id is not None`, not `if end_id`.",
        why="0 counts as false in Python, and is a token like any other: in a vocabulary of letters it may well be the "
        "end.",
    ),
)


def reference(on: Mistakes) -> Any:
    """The writing loop with these mistakes; it computes nothing itself."""

    def generate(
        model: nn.Module,
        ids: Tensor,
        max_new_tokens: int,
        choose: Callable[[Tensor], Tensor],
        n_ctx: int,
        end_id: int | None = None,
    ) -> Tensor | None:
        was_training, prompt_length = model.training, ids.size(1)
        end_id = None if "end-zero-ignored" in on and end_id == 0 else end_id
        new = max_new_tokens - ("one-too-few" in on) - (prompt_length if "total-length" in on else 0)
        new = min(new, 1) if "returned-in-loop" in on else new
        if "dropout-on" not in on:
            model.eval()
        ended = torch.zeros(ids.size(0), dtype=torch.bool)
        if "end-in-prompt" in on and end_id is not None:
            ended = (ids == end_id).any(-1)
        position = 0 if "first-position" in on else -1
        with torch.set_grad_enabled("gradients" in on):
            for _ in range(new):
                seen = ids if "not-cut" in on else ids[:, :n_ctx] if "wrong-end" in on else ids[:, -n_ctx:]
                seen = ids[:, -1:] if "one-token-seen" in on else seen
                logits = model(seen)
                last = logits[:, -2 if "last-but-one" in on and logits.size(1) > 1 else position]
                last = logits if "whole-logits" in on else last
                chosen = last.argmax(-1) if "choose-ignored" in on else choose(last)
                if end_id is not None and "end-ignored" not in on:
                    if "ended-rows-go-on" not in on:
                        chosen = chosen.masked_fill(ended, end_id)
                    ended = ended | (chosen == end_id)
                if "text-cut" in on:
                    ids = ids[:, -n_ctx:]
                ids = torch.cat((ids, chosen.unsqueeze(-1)), dim=-1)
                if ended.any() if "rows-end-together" in on else ended.all() and "never-early" not in on:
                    break
        if "mode-not-restored" not in on:
            model.train(was_training or "always-train-afterwards" in on)
        if "returned-in-loop" in on and max_new_tokens == 0:
            return None
        return ids[:, prompt_length:] if "prompt-missing" in on else ids

    return SimpleNamespace(generate=generate)


class Counting(nn.Module):
    """A stand-in for a model: after a text it expects (sum of what it sees + how much it sees) mod 50.

    In training mode it expects one more, as dropout would confuse it. It writes down what it was asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.seen: list[int] = []
        self.with_gradient = False

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, T) -> logits (B, T, 50)."""
        self.seen.append(ids.size(1))
        self.with_gradient |= torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        expected = (ids.cumsum(-1) + torch.arange(1, ids.size(1) + 1) + self.training) % 50
        return nn.functional.one_hot(expected, 50) * self.weight


def likeliest(logits: Tensor) -> Tensor:
    """logits (B, V) -> ids (B,)."""
    return logits.argmax(-1)


PROMPT = torch.tensor([[3, 1, 4], [1, 5, 9]])


def short(solution: Any) -> Any:
    """What is written after two short prompts."""
    return solution.generate(Counting(), PROMPT, 4, likeliest, 16)


def long(solution: Any) -> Any:
    """What is written beyond n_ctx = 5 tokens."""
    return solution.generate(Counting(), PROMPT, 7, likeliest, 5)


def ending(solution: Any) -> Any:
    """Rows that end at different times, by a choice that is known beforehand; 7 is the end."""
    said = iter([[7, 1], [2, 1], [3, 7], [4, 5], [6, 6], [8, 8]])
    return solution.generate(Counting(), PROMPT, 6, lambda _: torch.tensor(next(said)), 16, end_id=7)


def choosing(solution: Any) -> Any:
    """The shape of what choose is given; it always takes token 6."""
    given: list[Any] = ["nothing: it is not asked"]

    def choose(logits: Tensor) -> Tensor:
        given[:] = [tuple(logits.shape)]
        return torch.full((2,), 6)

    solution.generate(Counting(), PROMPT, 1, choose, 16)
    return given[0]


def ending_with_zero(solution: Any) -> Any:
    """Two rows that end, with 0 as the end: a number like any other."""
    said = iter([[0, 1], [2, 0], [3, 4], [5, 6]])
    return solution.generate(Counting(), PROMPT, 4, lambda _: torch.tensor(next(said)), 16, end_id=0)


def end_in_prompt(solution: Any) -> Any:
    """A prompt that begins with the end of another document."""
    return solution.generate(Counting(), torch.tensor([[9, 3, 1]]), 3, likeliest, 16, end_id=9)


def modes(solution: Any) -> Any:
    """The model's mode after writing, where it was training and where it was not; and the text then."""
    training, resting = Counting().train(), Counting().eval()
    texts = [solution.generate(model, PROMPT, 2, likeliest, 16) for model in (training, resting)]
    return [str(training.training), str(resting.training), texts]


def gradients(solution: Any) -> Any:
    """Whether the model was asked to remember for a backward pass."""
    model = Counting()
    solution.generate(model, PROMPT, 2, likeliest, 16)
    return str(model.with_gradient)


def nothing(solution: Any) -> Any:
    """No new token."""
    return solution.generate(Counting(), PROMPT, 0, likeliest, 16)


EXERCISE = Exercise(
    name="generate",
    title="Writing",
    task="""\
Writing is a loop: let the model read the text, choose a token by the last position's logits, put it behind the text,
and again. Three things need care. The model sees at most n_ctx tokens, so of a longer text it reads the last n_ctx.
Dropout is off meanwhile, and the model's mode is put back. And texts side by side end separately: a row that has
written end_id goes on with nothing but end_id, until all have.""",
    symbols={"generate": "nextword.decode.plain:generate"},
    stub='''
from collections.abc import Callable

import torch
from torch import Tensor, nn


def generate(
    model: nn.Module,
    ids: Tensor,
    max_new_tokens: int,
    choose: Callable[[Tensor], Tensor],
    n_ctx: int,
    end_id: int | None = None,
) -> Tensor:
    """@generate"""
    ...
''',
    hints=(
        "Begin without end_id: a loop of max_new_tokens rounds, each with logits = model(ids[:, -n_ctx:]), "
        "choose(logits[:, -1]) and torch.cat.",
        "Remember model.training before model.eval(), and use torch.no_grad().",
        "ended, one bool for each row: overwrite what an ended row chose with end_id, then note who has ended now, "
        "and leave the loop when all have.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("four tokens after each of two prompts of three", short),
        Probe("seven tokens after three, where the model sees five", long),
        Probe("two rows that end at different times, with 7 as the end", ending),
        Probe("a prompt that holds end_id", end_in_prompt),
        Probe("two rows that end, with 0 as the end", ending_with_zero),
        Probe("the shape of the logits that choose is given, for two texts and a vocabulary of 50", choosing),
        Probe("whether the model is in training afterwards, if it was and if it was not; and its texts", modes),
        Probe("whether gradients are on while it writes", gradients),
        Probe("no new token at all", nothing),
    ),
)
