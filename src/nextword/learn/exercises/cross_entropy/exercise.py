"""Cross-entropy: how surprised the model is by the true next tokens."""

import math
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import CONFIG, numbers, token_ids

SCORES = ((1.0, 2.0, 4.0), (0.0, 3.0, 1.0))


def two_tokens(solution: Any) -> Any:
    """One text of two tokens, with three to choose from."""
    return solution.cross_entropy(torch.tensor([SCORES]), torch.tensor([[2, 0]]))


def two_texts(solution: Any) -> Any:
    """As many tokens as texts, so that transposing either side gives the same."""
    logits = torch.tensor([[[1.0, 2.0, 4.0, 0.0], [0.0, 3.0, 1.0, 1.0]], [[2.0, 0.5, 0.0, 5.0], [1.0, 1.0, 3.0, 2.0]]])
    return solution.cross_entropy(logits, torch.tensor([[2, 0], [3, 1]]))


def as_many_tokens_as_choices(solution: Any) -> Any:
    """Three tokens and three classes, so that a swapped axis raises no error."""
    logits = torch.tensor([[*SCORES, (2.0, 1.0, 0.0)]])
    return solution.cross_entropy(logits, torch.tensor([[2, 0, 0]]))


def gradient(solution: Any) -> Any:
    """What training goes by."""
    logits = torch.tensor([SCORES], requires_grad=True)
    loss = solution.cross_entropy(logits * 1.0, torch.tensor([[2, 0]]))
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return "no gradient flows"
    loss.backward()
    return logits.grad


def large(solution: Any) -> Any:
    """Logits near each other, of which every exp overflows."""
    logits = torch.tensor([[[1000.0, 1001.0, 1003.0], [1000.0, 1003.0, 1001.0]]])
    loss = solution.cross_entropy(logits, torch.tensor([[2, 0]]))
    return loss if math.isfinite(loss) else "infinite or NaN"  # by the order of exp, sum and log


def hopeless(solution: Any) -> Any:
    """Targets that the model holds for impossible: the loss is 1000."""
    loss = solution.cross_entropy(torch.tensor([[[1000.0, 0.0, 0.0], [0.0, 1000.0, 0.0]]]), torch.tensor([[1, 0]]))
    if not math.isfinite(loss):
        return "infinite or NaN"
    # How much too low depends on the number that somebody adds before the logarithm.
    return "a loss of 1000" if abs(loss - 1000.0) < 0.5 else "less than 1000" if loss < 1000.0 else "more than 1000"


def batch(solution: Any) -> Any:
    """The fixture's vocabulary."""
    return solution.cross_entropy(numbers(5, 5, CONFIG.n_vocab), token_ids(5, 5))


EXERCISE = exercise_in(
    __file__,
    title="Cross-entropy",
    task="""\
The model scores every token of the vocabulary as the next one (logits). Softmax makes probabilities of the scores, and
the loss is the mean of -ln p over all positions, where p is the probability of the token that really came next:

    loss = mean of (logsumexp(logits) - logits[target])

Logits may be large. exp(1000) is infinite, so subtract the maximum before exp, or use what does so for you.""",
    symbols={"cross_entropy": "nextword.model.plain:cross_entropy"},
    hints=(
        "ln of a softmax is a difference: ln p = logits[target] - ln(sum of exp(logits)).",
        "torch.logsumexp(logits, -1) is the second part, safe for large logits. logits.gather(-1, "
        "targets.unsqueeze(-1)).squeeze(-1) picks each target's logit.",
        "F.cross_entropy(logits.flatten(0, 1), targets.flatten()) does all of it in one call: write it out once, "
        "and then use that as long as you like.",
    ),
    reference="by_hand",
    probes=(
        Probe("one text of two tokens, three to choose from", two_tokens),
        Probe("two texts of two tokens", two_texts),
        Probe("the gradient on the logits", gradient),
        Probe("logits around 1000", large),
        Probe("targets that the model holds for impossible", hopeless),
        Probe("one text of three tokens, three to choose from", as_many_tokens_as_choices),
        Probe("five texts of five tokens with a vocabulary of 61", batch),
    ),
)
