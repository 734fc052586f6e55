"""The writing loop: read, choose, put it behind the text, and again."""

from typing import Any

import torch
from torch import Tensor, nn

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


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
    """Rows that end at different times, with scripted choices; 7 is the end."""
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
    """The model's mode after writing, from training and from eval mode; and the text then."""
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


EXERCISE = exercise_in(
    __file__,
    title="Writing",
    task="""\
Writing is a loop: let the model read the text, choose a token by the last position's logits, put it behind the text,
and again. Three things need care. The model sees at most n_ctx tokens, so of a longer text it reads the last n_ctx.
Dropout is off meanwhile, and the model's mode is put back. And texts side by side end separately: a row that has
written end_id goes on with nothing but end_id, until all have.""",
    symbols={"generate": "nextword.decode.plain:generate"},
    hints=(
        "Begin without end_id: a loop of max_new_tokens rounds, each with logits = model(ids[:, -n_ctx:]), "
        "choose(logits[:, -1]) and torch.cat.",
        "Remember model.training before model.eval(), and use torch.no_grad().",
        "ended, one bool for each row: overwrite what an ended row chose with end_id, then note who has ended now, "
        "and leave the loop when all have.",
    ),
    reference="straight",
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
