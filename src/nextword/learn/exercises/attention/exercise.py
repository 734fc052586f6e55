"""Multi-head attention: the one place where a token learns of the others."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.learn.checker.comparing import Near
from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.building import build, n_parameters, output, weights
from nextword.learn.fixtures.fixture import CONFIG, numbers
from nextword.learn.fixtures.network import ReferenceAttention

WORDS = {"q": "query", "k": "key", "v": "value"}


def reference(on: Mistakes) -> Any:
    """CausalSelfAttention in float64, with these mistakes."""
    return SimpleNamespace(CausalSelfAttention=partial(ReferenceAttention, on=on))


SMALL = GPTConfig(n_vocab=7, n_ctx=5, n_embd=6, n_head=2, n_layer=1, dropout=0.0)
DROPPING = GPTConfig(n_vocab=7, n_ctx=5, n_embd=12, n_head=3, n_layer=1, dropout=0.5)


def size(solution: Any) -> Any:
    """How many numbers PyTorch knows of."""
    return f"{n_parameters(solution.CausalSelfAttention(SMALL)):,}"


def run(solution: Any, x: Tensor, config: GPTConfig, tensors: dict[str, Tensor] | None = None) -> Tensor:
    """What an answer with known weights makes of x."""
    tensors = tensors or weights(config, "attention")
    return output(build(solution.CausalSelfAttention, config, "attention", tensors), x)


# Of most texts only the tokens between the first and the last are looked at: where a wrong mask leaves one of those
# nothing to see, it becomes NaN with -inf and something else with -1e9, and the mistake is the same.


def middle_token(solution: Any) -> Any:
    """The second of three tokens."""
    return run(solution, 2.0 * numbers(1, 3, 6, seed=1), SMALL)[:, 1]


def batch(solution: Any) -> Any:
    """Two texts of seven tokens."""
    return run(solution, numbers(2, 7, 12, seed=2), CONFIG)[:, 1:-1]


def longest(solution: Any) -> Any:
    """A text as long as it can be."""
    return run(solution, numbers(1, 5, 6, seed=3), SMALL)[:, 1:-1]


def low_scores(solution: Any) -> Any:
    """A token with visible scores of -30,000 and hidden ones of +30,000."""
    C, n = SMALL.n_embd, 300.0
    weight = torch.zeros(3 * C, C)
    weight[0], weight[3] = n * torch.eye(C)[0], n * torch.eye(C)[0]  # of each head's query the first number
    weight[C], weight[C + 3] = n * torch.eye(C)[1], n * torch.eye(C)[1]  # and of each head's key
    weight[2 * C :] = torch.eye(C)
    bias, square = torch.zeros(3 * C), torch.eye(C)
    x = torch.tensor([[[1.0, -1.0, 1, 2, 3, 4], [1.0, -1.0, 4, 3, 2, 1], [1.0, 1.0, 0, 1, 0, 1]]])
    tensors = {"c_attn.weight": weight, "c_attn.bias": bias, "c_proj.weight": square, "c_proj.bias": torch.zeros(C)}
    return run(solution, x, SMALL, tensors)[:, 1]


def dropping(solution: Any, training: bool) -> Any:
    """Count the numbers and the heads dropped of the middle one of three like tokens; and their mean."""
    C, D = DROPPING.n_embd, DROPPING.n_embd // DROPPING.n_head
    tensors = {
        "c_attn.weight": torch.zeros(3 * C, C),
        "c_attn.bias": torch.ones(3 * C),
        "c_proj.weight": torch.eye(C),
        "c_proj.bias": torch.zeros(C),
    }
    module: nn.Module = build(solution.CausalSelfAttention, DROPPING, "attention", tensors).train(training)
    with torch.no_grad():
        y = output(module, torch.ones(1000, 3, C))[:, 1].reshape(-1, D)
    return {
        "numbers that are 0": Near((y == 0).double().mean(), 0.03),
        "heads that are 0": Near((y == 0).all(-1).double().mean(), 0.03),
        "mean": Near(y.double().mean().nan_to_num(-1.0), 0.1),
    }


EXERCISE = exercise_in(
    __file__,
    title="Multi-head attention",
    task="""\
Attention as a module of its own. One linear layer, c_attn, makes a query, a key and a value of each token: C numbers
become 3 C, the first third for the queries of all heads, the second for the keys, the last for the values. Each is
split into n_head heads; the heads attend, each by itself and never to what comes later; what they found is put side
by side again, and a second layer, c_proj, mixes it:

    q, k, v = thirds of c_attn(x), each (B, H, T, D)
    y       = softmax(q k^T / sqrt(D), later tokens hidden) v
    result  = c_proj(heads of y side by side)

In training, with probability config.dropout, weights are dropped after the softmax, and numbers of the result.
The functions that you wrote before come from `parts`, and so does drop, the next exercise. Or write it all out.""",
    symbols={"CausalSelfAttention": "nextword.model.attention:CausalSelfAttention"},
    hints=(
        "self.c_attn = nn.Linear(C, 3 * C) and self.c_proj = nn.Linear(C, C), where C = config.n_embd. In forward, "
        "q, k, v = self.c_attn(x).chunk(3, dim=-1).",
        "Each of the three becomes heads with split_heads(part, n_head). Then weights = "
        "causal_weights(attention_scores(q, k)), and merge_heads(weights @ v) goes into c_proj.",
        "Without parts: .view(B, T, H, C // H).transpose(1, 2) splits, .transpose(1, 2).reshape(B, T, C) merges, and "
        "scores.masked_fill(~torch.ones(T, T, dtype=torch.bool).tril(), -math.inf).softmax(-1) hides what comes later.",
        "Dropout happens in training only: drop(x, config.dropout if self.training else 0.0). "
        "nn.Dropout(config.dropout) knows that by itself; F.dropout must be told training=self.training.",
    ),
    reference=reference,
    probes=(
        Probe("how many parameters there are, for C = 6", size),
        Probe("the second of three tokens of six numbers, two heads", middle_token),
        Probe("two texts of seven tokens of twelve numbers, three heads", batch),
        Probe("a text of n_ctx tokens", longest),
        Probe("a token that may see only what scores very low", low_scores),
        Probe("dropout of 0.5 in training", partial(dropping, training=True)),
        Probe("dropout of 0.5 in eval mode", partial(dropping, training=False)),
    ),
    example="from_parts",
)
