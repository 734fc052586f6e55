"""Multi-head attention: the one place where a token learns of the others."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.learn.checker.comparing import Near
from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.building import build, n_parameters, output, weights
from nextword.learn.fixtures.fixture import CONFIG, numbers
from nextword.learn.fixtures.network import ORDERS, ReferenceAttention

WORDS = {"q": "query", "k": "key", "v": "value"}

MISTAKES = (
    Mistake(
        name="scale-missing",
        equals="attention whose scores are not divided by sqrt(D)",
        remedy="Divide q @ k.transpose(-2, -1) by math.sqrt(D), where D is a head's width.",
        why="A product of two vectors grows with their length. Undivided, the softmax soon picks one token only, and "
        "its gradient vanishes.",
    ),
    Mistake(
        name="scale-sqrt-c",
        equals="attention that divides its scores by sqrt(C), the width of all heads together",
        remedy="Divide by the root of one head's width: math.sqrt(q.size(-1)) after splitting, which is C / n_head.",
        why="The products are sums of D terms, not of C. With one head nothing shows; with 12 the scores are 3.5 times "
        "too small, and attention is blurred.",
    ),
    Mistake(
        name="scale-by-d",
        equals="attention that divides its scores by D instead of by sqrt(D)",
        remedy="Take the root: divide by math.sqrt(D), or multiply by D ** -0.5.",
        why="The deviation of a sum of D products is sqrt(D). Divided by D, the scores are nearly equal.",
    ),
    Mistake(
        name="scale-multiplied",
        equals="attention that multiplies its scores by sqrt(D) instead of dividing",
        remedy="Divide by math.sqrt(D), or multiply by D ** -0.5.",
        why="The scores become D times too large, and each token sticks to one other.",
    ),
    Mistake(
        name="scale-sqrt-tokens",
        equals="attention that divides its scores by the root of the number of tokens",
        remedy="Divide by the root of a head's width: q.size(-1), the last dimension of (B, H, T, D).",
        why="size(-2), or size(1) before the transpose, is T. A text's meaning would change with its length.",
    ),
    Mistake(
        name="scale-sqrt-heads",
        equals="attention that divides its scores by sqrt(H), the number of heads",
        remedy="Divide by the root of a head's width D = C / H, q.size(-1), not of the number of heads.",
        why="The two are easily taken for each other after a view. In GPT-2 they are 64 and 12.",
    ),
    Mistake(
        name="mask-missing",
        equals="attention without a mask: every token sees those after it",
        remedy="Set the scores of later tokens to -inf before the softmax.",
        why="A model that sees the next token learns to copy it. Its training loss falls wonderfully, and it cannot "
        "write a word.",
    ),
    Mistake(
        name="mask-reversed",
        equals="attention with the mask reversed: every token sees itself and those after it",
        remedy="Keep the lower triangle: torch.ones(T, T).tril() is what may be seen, query by row and key by column.",
        why="Row i of the scores is what token i sees. tril and triu, or rows and columns, are easily swapped.",
    ),
    Mistake(
        name="mask-inverted",
        equals="attention that hides what it should show, and shows only what comes after a token",
        remedy="Turn the mask round: masked_fill(mask, -inf) hides where mask is True, so it takes ~tril, or triu(1).",
        why="For masked_fill and nn.MultiheadAttention True means hidden, for scaled_dot_product_attention it means "
        "visible. The last token then sees nothing at all.",
    ),
    Mistake(
        name="mask-early",
        equals="attention with a mask that is off by one: a token does not see itself",
        remedy="Include the diagonal: tril() rather than tril(-1), and triu(1) rather than triu() for what is hidden.",
        why="Token i predicts token i + 1, so it may see itself. The first one has nobody else to see.",
    ),
    Mistake(
        name="mask-late",
        equals="attention with a mask that is off by one: a token sees the one after it",
        remedy="End at the diagonal: tril() rather than tril(1), and triu(1) rather than triu(2) for what is hidden.",
        why="The one after it is the very one that it has to predict.",
    ),
    Mistake(
        name="mask-after-softmax",
        equals="attention that is masked after the softmax",
        remedy="Set hidden scores to -inf first, and take the softmax then.",
        why="Weights set to zero afterwards leave a sum below 1, and what is left still depends on the hidden tokens: "
        "they were in the softmax's sum.",
    ),
    Mistake(
        name="mask-with-zero",
        equals="attention whose hidden scores are set to 0 instead of to -inf",
        remedy="Use scores.masked_fill(~visible, -math.inf): the softmax makes a weight of 0 of that.",
        why="A score of 0 is an ordinary score, and exp(0) is 1: the hidden tokens stay visible.",
    ),
    Mistake(
        name="mask-too-small",
        equals="attention whose hidden scores are -1e4, which is not small enough",
        remedy="Use -math.inf, or torch.finfo(scores.dtype).min.",
        why="It hides ordinary scores. Where those that may be seen are lower still, as happens in training that goes "
        "astray, the hidden ones come out on top.",
    ),
    Mistake(
        name="mask-fixed",
        equals="attention with a mask of n_ctx by n_ctx, which no shorter text fits",
        remedy="Cut the mask to the text: mask[:T, :T], or make it of the size T in forward.",
        why="In training all windows are n_ctx long, so it goes unnoticed until the model is to write.",
    ),
    Mistake(
        name="softmax-over-queries",
        equals="attention with the softmax over the queries instead of over the keys",
        remedy="Take the softmax over the last dimension: softmax(dim=-1).",
        why="Each token shares out a weight of 1 among those that it sees: a row of the scores, dimension -1.",
    ),
    Mistake(
        name="softmax-over-heads",
        equals="attention with the softmax over the heads",
        remedy="Take the softmax over the last dimension: softmax(dim=-1), not softmax(dim=1).",
        why="Of scores (B, H, T, T) dimension 1 is the heads. F.softmax without a dimension chooses just that one.",
    ),
    Mistake(
        name="softmax-over-heads-finite",
        equals="attention with the softmax over the heads, where hidden scores are only very low",
        remedy="Take the softmax over the last dimension: softmax(dim=-1), not softmax(dim=1).",
        why="Of scores (B, H, T, T) dimension 1 is the heads. Hidden scores are alike in all of them, so that even "
        "what is hidden gets a weight of 1 / H.",
    ),
    Mistake(
        name="split-without-transpose",
        equals="attention that views its heads as (B, H, T, D) without a transpose",
        remedy="View as (B, T, H, D) first, then transpose(1, 2).",
        why="view does not move numbers, it counts them anew: a head would be made of whole tokens, and the mask would "
        "hide the wrong ones. All shapes fit.",
    ),
    Mistake(
        name="merge-without-transpose",
        equals="attention that puts its heads together again without a transpose",
        remedy="Write y.transpose(1, 2).reshape(B, T, C): tokens before heads.",
        why="(B, H, T, D) read as (B, T, C) mixes numbers of different tokens, later ones included. All shapes fit.",
    ),
    Mistake(
        name="heads-strided",
        equals="attention whose heads take every H-th number instead of D neighbours",
        remedy="Let the heads be the outer dimension: view(B, T, H, D), or '(h d)' in einops, not (d h).",
        why="It trains as well. But GPT-2's weights were trained with numbers 0 to 63 in the first head.",
    ),
    Mistake(
        name="one-head",
        equals="attention with a single head, whatever n_head says",
        remedy="Split q, k and v into n_head heads of C / n_head numbers each.",
        why="It has just as many parameters, and trains. It looks at one mixture of tokens where GPT-2 looks at 12.",
    ),
    Mistake(
        name="qkv-per-head",
        equals="attention that reads c_attn's output head by head: q, k, v of the first head, then of the second",
        remedy="Cut the 3 C numbers into thirds first, q, k and v of all heads, and each third into heads.",
        why="GPT-NeoX and BLOOM pack them so. In GPT-2's weights the first C numbers are the queries of all heads.",
    ),
    *(
        Mistake(
            name=f"order-{order}",
            equals=f"attention that takes c_attn's three parts in the order {', '.join(WORDS[part] for part in order)}",
            remedy="The first C numbers are the query, the next the key, the last the value: q, k, v = x.chunk(3, -1).",
            why="From random weights any order trains as well, so it shows only when official weights are loaded.",
        )
        for order in ORDERS
    ),
    Mistake(
        name="projection-missing",
        equals="attention without the projection at its end",
        remedy="Add self.c_proj = nn.Linear(C, C), and return self.c_proj(y).",
        why="Side by side the heads know nothing of each other. The projection mixes what they found.",
    ),
    Mistake(
        name="projection-unused",
        equals="attention that has a projection but does not use it",
        remedy="Return self.c_proj(y) instead of y.",
        why="A parameter that is never used gets no gradient, and nobody complains.",
    ),
    Mistake(
        name="projection-bias-missing",
        equals="attention whose projection has no bias",
        remedy="Use nn.Linear(C, C), without bias=False.",
        why="Later models leave biases out. GPT-2's checkpoints have them, and they are not zero.",
    ),
    Mistake(
        name="qkv-bias-missing",
        equals="attention without a bias in its queries, keys and values",
        remedy="Use nn.Linear(C, 3 * C), without bias=False (qkv_bias=True, in some books).",
        why="Later models leave it out. GPT-2's checkpoints have it: without it loaded weights give nonsense.",
    ),
    Mistake(
        name="attention-residual-inside",
        equals="attention that adds its input to its output",
        remedy="Return the projection only; the block adds x.",
        why="The block does so as well, and then x is counted twice.",
    ),
    Mistake(
        name="weights-dropout-in-eval",
        equals="attention that drops weights in eval mode as well",
        remedy="Pass the probability only while training: dropout_p=p if self.training else 0.0; for F.dropout, "
        "training=self.training; or use nn.Dropout.",
        why="F.dropout and scaled_dot_product_attention drop whenever they are called: they cannot know what "
        "model.eval() said. Text then differs from call to call, and is worse.",
    ),
    Mistake(
        name="output-dropout-in-eval",
        equals="attention that drops numbers of its output in eval mode as well",
        remedy="Use F.dropout(y, p, training=self.training), or nn.Dropout(p).",
        why="F.dropout drops whenever it is called: it cannot know what model.eval() said.",
    ),
    Mistake(
        name="dropout-missing",
        equals="attention without dropout in training",
        remedy="Drop attention weights after the softmax, and numbers of the projected output, with config.dropout.",
        why="The official weights were trained with it. Without it a small model on a small text only memorises.",
    ),
    Mistake(
        name="weights-dropout-missing",
        equals="attention that does not drop weights in training",
        remedy="Drop after the softmax: weights = drop(weights, p), before @ v.",
        why="Every third dropout of GPT-2 is there: now and then a token must do without one that it relies on.",
    ),
    Mistake(
        name="output-dropout-missing",
        equals="attention that does not drop numbers of its output in training",
        remedy="Drop once more after the projection: return drop(self.c_proj(y), p).",
        why="GPT-2 drops wherever something is about to be added to the residual stream.",
    ),
)


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
    """A token for which what it may see scores -30,000, and what it may not +30,000."""
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
    """How many numbers, and how many heads, of the middle one of three like tokens are dropped; and their mean."""
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


def in_training(solution: Any) -> Any:
    """With dropout of 0.5, in training."""
    return dropping(solution, True)


def in_eval(solution: Any) -> Any:
    """With dropout of 0.5, in eval mode."""
    return dropping(solution, False)


EXERCISE = Exercise(
    name="attention",
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
    stub='''
import torch
from torch import Tensor, nn

from parts import GPTConfig, attention_scores, causal_weights, drop, merge_heads, split_heads


class CausalSelfAttention(nn.Module):
    """@CausalSelfAttention"""

    def __init__(self, config: GPTConfig):
        super().__init__()
        # c_attn and c_proj, with biases; and what forward needs of config: n_head, dropout
        ...

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        ...
''',
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
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("how many parameters there are, for C = 6", size),
        Probe("the second of three tokens of six numbers, two heads", middle_token),
        Probe("two texts of seven tokens of twelve numbers, three heads", batch),
        Probe("a text of n_ctx tokens", longest),
        Probe("a token that may see only what scores very low", low_scores),
        Probe("dropout of 0.5 in training", in_training),
        Probe("dropout of 0.5 in eval mode", in_eval),
    ),
    example="from_parts",
)
