"""GPT-2's functions, written out as mathematics.

Those that `ops.py` names have a twin of the same name and signature in
`fused.py`, which computes the same on the fastest kernels there are. This one is
for reading.

Shapes: B batch, T new tokens, S all visible tokens, C = n_embd, H = n_head,
D = C / H, V = n_vocab.
"""

import math

import torch
from torch import Tensor


def embed(ids: Tensor, wte: Tensor, wpe: Tensor) -> Tensor:
    """Add each token's embedding and its position's.

    ids (B, T), wte (V, C), wpe (n_ctx, C) -> (B, T, C). The first token of every
    text stands at position 0. Raises IndexError where T > n_ctx, since no numbers
    were learned for positions beyond.
    """
    positions = torch.arange(ids.size(-1), device=ids.device)  # (T,)
    return wte[ids] + wpe[positions]


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Bring every token's numbers to mean 0 and variance 1, then scale and shift them.

    x (..., C), weight (C,), bias (C,) -> (..., C). The variance is the
    population's (divided by C), and eps stands inside the root.

    Source: Ba et al., "Layer Normalization" (2016), equation 4.
    """
    mean = x.mean(-1, keepdim=True)  # (..., 1)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)  # (..., 1)
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


def gelu(x: Tensor) -> Tensor:
    """Let positive numbers through and hold negative ones back, with a smooth bend between.

    Any shape -> the same shape. GPT-2 uses the tanh form, not the exact one by
    the error function; the two differ by up to 0.0005.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), section 2.
    """
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


def softmax(x: Tensor) -> Tensor:
    """Turn the last dimension's scores into probabilities: positive, with sum 1.

    Any shape -> the same shape. Subtracting the maximum changes nothing in the
    result, and keeps exp from overflowing.
    """
    e = torch.exp(x - x.amax(-1, keepdim=True))
    return e / e.sum(-1, keepdim=True)


def drop(x: Tensor, p: float) -> Tensor:
    """Set each number to zero with probability p, and scale up the others to keep the mean.

    Any shape -> the same shape. With p = 0 nothing happens.

    Source: Srivastava et al., "Dropout" (2014), section 10 (inverted form).
    """
    if p == 0.0:
        return x
    kept = torch.rand_like(x, dtype=torch.float32) >= p
    return x * kept / (1.0 - p)


def attention_scores(q: Tensor, k: Tensor) -> Tensor:
    """Measure how well each query matches each key.

    q (B, H, T, D), k (B, H, S, D) -> (B, H, T, S). A sum of D products grows like
    sqrt(D); divided by that, scores stay as large as the numbers they come from.

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 3.2.1.
    """
    return q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))


def causal_weights(scores: Tensor) -> Tensor:
    """Mask the later keys, and turn each query's scores into weights with sum 1.

    scores (B, H, T, S) -> (B, H, T, S). The T queries are the last T of the S
    positions: each sees itself and all before it.

    Source: Vaswani et al. (2017), section 3.2.3.
    """
    T, S = scores.size(-2), scores.size(-1)
    visible = torch.ones(T, S, dtype=torch.bool, device=scores.device).tril(S - T)
    return softmax(scores.masked_fill(~visible, -math.inf))


def causal_attention(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0, visible: Tensor | None = None) -> Tensor:
    """Average the values, weighted by how well each query matches each key.

    q (B, H, T, D), k and v (B, H, S, D) -> (B, H, T, D). The T queries are the
    last T of the S positions, and none of them looks ahead. `dropout` is the
    share of attention weights to drop: 0 except while training. `visible`, if
    given, says in the causal rule's place who sees whom: (B, 1, T, S) of bool.

    Source: Vaswani et al. (2017), equation 1.
    """
    scores = attention_scores(q, k)  # (B, H, T, S)
    weights = causal_weights(scores) if visible is None else softmax(scores.masked_fill(~visible, -math.inf))
    return drop(weights, dropout) @ v  # (B, H, T, D)


def head(x: Tensor, wte: Tensor) -> Tensor:
    """Unembed: score every token of the vocabulary by its embedding's product with x.

    x (..., C), wte (V, C) -> logits (..., V). The head has no weights of its own:
    it uses the token embedding once more, so that one table learns from both ends.

    Source: Press and Wolf, "Using the Output Embedding to Improve Language Models" (2017).
    """
    return x @ wte.T


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Average the surprisal of the true next tokens, in nats.

    logits (..., V), targets (...) -> a number: the mean of -ln p(target). A
    model that knows nothing pays ln V, which is 10.82 for GPT-2's vocabulary.
    """
    highest = logits.amax(-1, keepdim=True)
    log_sum = torch.log(torch.exp(logits - highest).sum(-1)) + highest.squeeze(-1)  # (...)
    target_logits = logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # (...)
    return (log_sum - target_logits).mean()


def head_loss(x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Unembed x, and average the surprisal of the true next tokens, in nats.

    x (..., C), weight (V, C), targets (...) -> a number. The scores are x's
    likeness to each token's embedding: the rows of the weight.
    """
    logits = head(x, weight).to(x.dtype)  # (..., V), whatever format products are computed in
    return cross_entropy(logits, targets)
