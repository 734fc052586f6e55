"""Cross-entropy: how surprised the model is by the true next tokens."""

import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import CONFIG, numbers, token_ids

MISTAKES = (
    Mistake(
        name="double-softmax",
        equals="a cross-entropy of probabilities that went through softmax a second time",
        remedy="Give it the logits as they are: F.cross_entropy and log_softmax do the softmax themselves.",
        why="Probabilities lie between 0 and 1, so a second softmax makes nearly equal ones of them. The loss "
        "still falls, but it can never come near 0, and the gradient is tiny: the model learns badly.",
    ),
    Mistake(
        name="batch-time-swapped",
        equals="a cross-entropy that compares tokens with targets of other places: B and T are swapped",
        remedy="Flatten both in the same order: logits.flatten(0, 1) (B * T, V) with targets.flatten() (B * T,).",
        why="Transposing one of the two before flattening leaves all shapes right, and every logit beside the wrong "
        "target. The loss looks sane at the beginning, and then hardly falls.",
    ),
    Mistake(
        name="classes-scrambled",
        equals="a cross-entropy of logits whose tokens and classes were mixed up by a reshape",
        remedy="Do not transpose before flattening: logits (B, T, V) are in the right order for reshape(-1, V). Only "
        "F.cross_entropy without flattening wants (B, V, T).",
        why="After transpose(1, 2) a token's V numbers no longer lie side by side; reshape takes V neighbours all "
        "the same, which are then from several tokens.",
    ),
    Mistake(
        name="wrong-axis",
        equals="a cross-entropy whose softmax is over the tokens of a text instead of over the vocabulary",
        remedy="Take the softmax over the last dimension: log_softmax(-1).",
        why="The vocabulary's probabilities must add up to 1 at every position. Over the positions they say where in "
        "the text a token is likely, and each position sees what comes later.",
    ),
    Mistake(
        name="sum",
        equals="the sum of the tokens' losses instead of their mean",
        remedy="Take the mean: .mean(), or reduction='mean'.",
        why="A sum grows with the batch, and the gradient with it: the learning rate that suits one batch size "
        "does not suit another, and losses cannot be compared.",
    ),
    Mistake(
        name="mean-over-vocabulary",
        equals="a cross-entropy that is also divided by the size of the vocabulary",
        remedy="Pick each target's log-probability first (gather), and then take the mean over the tokens only.",
        why="The mean over a one-hot product counts the V - 1 zeros too. With 50,257 of them almost nothing is left, "
        "neither of the loss nor of the gradient.",
    ),
    Mistake(
        name="base-2",
        equals="a cross-entropy in bits instead of nats (logarithms to the base 2)",
        remedy="Use the natural logarithm: torch.log, not torch.log2.",
        why="Bits are nats divided by ln 2, so such a loss is 44 % higher. It trains as well, but compares with "
        "no published number, and exp(loss) is not the perplexity.",
    ),
    Mistake(
        name="log-missing",
        equals="the targets' mean probability with a minus, without the logarithm",
        remedy="Take the logarithm of the probabilities before the mean: log_softmax instead of softmax.",
        why="F.nll_loss does not take the logarithm, though its name (negative log-likelihood) sounds so: it wants "
        "log-probabilities. Without it, a hopeless token gives almost no gradient.",
    ),
    Mistake(
        name="mean-before-log",
        equals="the logarithm of the mean probability instead of the mean of the logarithms",
        remedy="Take the logarithm of each target's probability first, then the mean.",
        why="A text's probability is the product of its tokens' probabilities, and the logarithm of a product is a sum "
        "of logarithms. The mean of probabilities forgives single tokens that are impossible.",
    ),
    Mistake(
        name="sign",
        equals="a cross-entropy with the wrong sign",
        remedy="Put a minus before the mean of the log-probabilities.",
        why="Logarithms of probabilities are negative. Minimising the mean of them makes the true tokens as unlikely "
        "as can be, and the loss falls happily without end.",
    ),
    Mistake(
        name="overflow",
        equals="a cross-entropy that overflows for large logits",
        remedy="Subtract the maximum before exp: logits - logits.amax(-1, keepdim=True), or use logsumexp.",
        why="exp of more than 88 is infinite in float32. Logits are small at the beginning, so that this may show "
        "after hours only, as a loss of NaN.",
    ),
    Mistake(
        name="log-of-softmax",
        equals="the logarithm of a softmax, which is infinite where a probability is too small for a number",
        remedy="Leave the logarithm and exp together: log p = logit - logsumexp(logits), as log_softmax does.",
        why="A probability below 1e-45 is 0 in float32, and log(0) is minus infinity. As a difference of "
        "logits the same number is an ordinary one.",
    ),
    Mistake(
        name="eps-in-log",
        equals="a cross-entropy that adds a small number to the probabilities before the logarithm",
        remedy="Leave the small number away and use logit - logsumexp(logits), as log_softmax does.",
        why="It keeps the logarithm finite by cutting off the loss of unlikely tokens, which are then no "
        "longer learned: at a loss of 20 for 1e-9 the gradient vanishes.",
    ),
    Mistake(
        name="shifted-again",
        equals="a cross-entropy that shifts the targets once more: each position is compared with the token after next",
        remedy="Compare logits and targets as they are: the targets were shifted when the batch was made.",
        why="Some libraries shift inside the loss and take ids for targets. Doing it in both places trains a "
        "model to predict the token after next.",
    ),
    Mistake(
        name="last-only",
        equals="a cross-entropy of the last position only",
        remedy="Use all positions: a text of T tokens is T exercises at once.",
        why="In writing only the last position counts. In training, using one of 1,024 positions throws away nearly "
        "all that a batch could teach.",
    ),
    Mistake(
        name="detached",
        equals="a number that has lost its connection to the logits",
        remedy="Return the tensor, without .item(), .detach() or float().",
        why="The value is right, but loss.backward() needs the graph that led to it.",
    ),
    Mistake(
        name="classes-last",
        equals="F.cross_entropy of logits whose vocabulary is the last dimension, where it expects the second",
        remedy="Flatten first: F.cross_entropy(logits.flatten(0, 1), targets.flatten()), which are (N, V) and (N,).",
        why="F.cross_entropy takes (N, V, ...) and (N, ...). With (B, T, V) it takes the positions for the vocabulary: "
        "an error of shapes, unless T is V.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Cross-entropy in float64, with these mistakes."""

    def cross_entropy(logits: Tensor, targets: Tensor) -> Any:
        logits = logits.double()
        if "classes-last" in on:
            return F.cross_entropy(logits, targets)
        if "shifted-again" in on:
            logits, targets = logits[:, :-1], targets[:, 1:]
        if "last-only" in on:
            logits, targets = logits[:, -1:], targets[:, -1:]
        if "double-softmax" in on:
            logits = logits.softmax(-1)
        shape = logits.shape
        if "batch-time-swapped" in on:
            logits = logits.transpose(0, 1).reshape(shape)
        if "classes-scrambled" in on:
            logits = logits.transpose(1, 2).reshape(shape)
        log_p = log_softmax(logits, -2 if "wrong-axis" in on else -1)
        surprise = -log_p.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        if "log-missing" in on:
            surprise = -torch.exp(-surprise)
        if "base-2" in on:
            surprise = surprise / math.log(2)
        loss = surprise.sum() if "sum" in on else surprise.mean()
        if "mean-before-log" in on:
            loss = -torch.log(torch.exp(-surprise).mean())
        if "mean-over-vocabulary" in on:
            loss = loss / shape[-1]
        if "sign" in on:
            loss = -loss
        return loss.item() if "detached" in on else loss

    def log_softmax(logits: Tensor, axis: int) -> Tensor:
        if "overflow" in on:
            return logits - logits.float().exp().sum(axis, keepdim=True).log()
        if "log-of-softmax" in on:
            return logits.softmax(axis).log()
        if "eps-in-log" in on:
            return torch.log(logits.softmax(axis) + 1e-9)
        return logits.log_softmax(axis)

    return SimpleNamespace(cross_entropy=cross_entropy)


SCORES = ((1.0, 2.0, 4.0), (0.0, 3.0, 1.0))


def two_tokens(solution: Any) -> Any:
    """One text of two tokens, with three to choose from."""
    return solution.cross_entropy(torch.tensor([SCORES]), torch.tensor([[2, 0]]))


def two_texts(solution: Any) -> Any:
    """As many tokens as texts, so that it does not matter which side of a comparison was transposed."""
    logits = torch.tensor([[[1.0, 2.0, 4.0, 0.0], [0.0, 3.0, 1.0, 1.0]], [[2.0, 0.5, 0.0, 5.0], [1.0, 1.0, 3.0, 2.0]]])
    return solution.cross_entropy(logits, torch.tensor([[2, 0], [3, 1]]))


def as_many_tokens_as_choices(solution: Any) -> Any:
    """Three tokens, three to choose from: to take the wrong dimension for the vocabulary is no error of shapes."""
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
    """Logits of which every exp overflows, but which are near each other."""
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


EXERCISE = Exercise(
    name="cross_entropy",
    title="Cross-entropy",
    task="""\
The model scores every token of the vocabulary as the next one (logits). Softmax makes probabilities of the scores, and
the loss is the mean of -ln p over all positions, where p is the probability of the token that really came next:

    loss = mean of (logsumexp(logits) - logits[target])

Logits may be large. exp(1000) is infinite, so subtract the maximum before exp, or use what does so for you.""",
    symbols={"cross_entropy": "nextword.model.plain:cross_entropy"},
    stub='''
import torch
from torch import Tensor


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """@cross_entropy"""
    ...
''',
    hints=(
        "ln of a softmax is a difference: ln p = logits[target] - ln(sum of exp(logits)).",
        "torch.logsumexp(logits, -1) is the second part, safe for large logits. logits.gather(-1, "
        "targets.unsqueeze(-1)).squeeze(-1) picks each target's logit.",
        "F.cross_entropy(logits.flatten(0, 1), targets.flatten()) does all of it in one call: write it out once, "
        "and then use that as long as you like.",
    ),
    mistakes=MISTAKES,
    reference=reference,
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
