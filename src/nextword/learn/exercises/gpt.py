"""GPT: embeddings, blocks, a last LayerNorm, and the embedding once more as the head."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.learn.checker.catalogue import inner_mistakes
from nextword.learn.checker.comparing import Near, same
from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.exercises import attention, block, gelu, layer_norm, mlp
from nextword.learn.fixtures.building import build, n_parameters, weights
from nextword.learn.fixtures.fixture import CONFIG, numbers, token_ids
from nextword.learn.fixtures.network import ReferenceGPT
from nextword.weights.matching import match_parameters

MISTAKES = (
    Mistake(
        name="final-norm-unused",
        equals="a GPT that does not use its last LayerNorm",
        remedy="Normalise what the last block gives, before the head: x = self.ln_f(x).",
        why="With pre-norm nothing else keeps x at a known size: the logits grow with the number of blocks.",
    ),
    Mistake(
        name="final-norm-missing",
        equals="a GPT without a LayerNorm after the last block",
        remedy="Add self.ln_f = LayerNorm(n_embd), and use it before the head.",
        why="With pre-norm nothing else keeps x at a known size: the logits grow with the number of blocks.",
    ),
    Mistake(
        name="blocks-shared",
        equals="a GPT that goes through one and the same block n_layer times",
        remedy="Make a new block each time: nn.ModuleList([Block(config) for _ in range(config.n_layer)]).",
        why="[Block(config)] * n is a list of n references to one block. It trains, with a twelfth of the parameters.",
    ),
    Mistake(
        name="blocks-in-a-list",
        equals="a GPT with its blocks in a plain list, of which PyTorch does not know",
        remedy="Wrap the list: self.h = nn.ModuleList([...]).",
        why="parameters(), to(), state_dict() and eval() do not look into lists: the optimizer trains only "
        "embeddings, and a checkpoint lacks the blocks.",
    ),
    Mistake(
        name="block-missing",
        equals="a GPT with one block too few",
        remedy="range(config.n_layer) gives n_layer numbers, 0 to n_layer - 1: make a block for each.",
        why="Eleven blocks write nearly as well as twelve, if they were trained so. These were not.",
    ),
    Mistake(
        name="last-block-skipped",
        equals="a GPT that leaves out its last block",
        remedy="Go through all of self.h.",
        why="A block that is never used gets no gradient, and nobody complains.",
    ),
    Mistake(
        name="blocks-reversed",
        equals="a GPT that goes through its blocks from the last to the first",
        remedy="for block in self.h: x = block(x).",
        why="Trained from random weights any order will do. Official weights need theirs.",
    ),
    Mistake(
        name="blocks-not-chained",
        equals="a GPT each of whose blocks gets the embeddings, so that only the last one counts",
        remedy="Give each block what the one before it gave: x = block(x).",
        why="y = block(x) in a loop runs without complaint, and throws away all but the last result.",
    ),
    Mistake(
        name="positions-unused",
        equals="a GPT that does not use its position embedding",
        remedy="Add it: x = self.wte(ids) + self.wpe(positions).",
        why="Attention by itself does not know the order of tokens: only the mask tells it a little.",
    ),
    Mistake(
        name="positions-missing",
        equals="a GPT without a table of positions to learn",
        remedy="Add self.wpe = nn.Embedding(n_ctx, n_embd), and x = self.wte(ids) + self.wpe(positions).",
        why="GPT-2 learns a vector for each position. Sines and rotations are other models'.",
    ),
    Mistake(
        name="positions-shifted",
        equals="a GPT whose positions begin at 1",
        remedy="Begin at 0: torch.arange(T).",
        why="Everything works, a little worse, until a text is n_ctx long: its last position is not there.",
    ),
    Mistake(
        name="positions-reversed",
        equals="a GPT that counts positions backwards, from the text's end",
        remedy="The first token stands at 0: torch.arange(T).",
        why="Then every new token would move all that were there before.",
    ),
    Mistake(
        name="positions-from-the-end",
        equals="a GPT that gives a short text the last positions instead of the first",
        remedy="The first token stands at 0, however short the text is: torch.arange(T), or self.wpe.weight[:T].",
        why="With texts of n_ctx tokens, as in training, nothing shows.",
    ),
    Mistake(
        name="positions-all-zero",
        equals="a GPT in which every token stands at position 0",
        remedy="Give each its own: torch.arange(T).",
        why="Added to all alike, a position says nothing. zeros(T) and zeros_like(ids) are easily left over.",
    ),
    Mistake(
        name="embedding-scaled",
        equals="a GPT that multiplies its token embeddings by sqrt(C)",
        remedy="Leave the factor out: x = self.wte(ids) + self.wpe(positions).",
        why="The first Transformer has it, GPT-2 does not: positions would hardly count beside it.",
    ),
    Mistake(
        name="embedding-dropout-in-eval",
        equals="a GPT that drops numbers of its embeddings in eval mode as well",
        remedy="Use nn.Dropout(config.dropout), or F.dropout(x, p, training=self.training).",
        why="F.dropout drops whenever it is called: it cannot know what model.eval() said.",
    ),
    Mistake(
        name="embedding-dropout-missing",
        equals="a GPT that does not drop numbers of its embeddings in training",
        remedy="Drop after adding the two embeddings, before the first block.",
        why="It is the first of GPT-2's three places for dropout, and easily forgotten.",
    ),
    Mistake(
        name="head-untied",
        equals="a GPT whose head has weights of its own",
        remedy="Use the embedding again: x @ self.wte.weight.T, or self.lm_head.weight = self.wte.weight.",
        why="38 million parameters more than GPT-2 has. Its checkpoint holds none for them: they stay random.",
    ),
    Mistake(
        name="head-copied",
        equals="a GPT whose head begins as a copy of the embedding, and is not tied to it",
        remedy="Share the parameter: self.lm_head.weight = self.wte.weight, without clone(), copy_() or a new "
        "nn.Parameter.",
        why="After the first step of training, or after weights are loaded, the two are no longer the same.",
    ),
    Mistake(
        name="head-bias",
        equals="a GPT whose head has a bias",
        remedy="Leave it out: nn.Linear(n_embd, n_vocab, bias=False).",
        why="nn.Linear has one unless told otherwise; GPT-2's checkpoint has no numbers for it.",
    ),
    Mistake(
        name="softmax-applied",
        equals="a GPT that gives probabilities instead of logits",
        remedy="Return what the head gives. Cross-entropy and sampling take the softmax themselves.",
        why="With a softmax before the softmax of the loss everything still trains, slowly, and never gets far.",
    ),
    Mistake(
        name="log-softmax-applied",
        equals="a GPT that gives log-probabilities instead of logits",
        remedy="Return what the head gives. Cross-entropy and sampling take the softmax themselves.",
        why="A second log-softmax changes nothing, so the loss is right; but the numbers are not GPT-2's logits.",
    ),
    Mistake(
        name="last-position-only",
        equals="a GPT that gives the logits of the last position only",
        remedy="Return the logits of all positions, (B, T, V).",
        why="Writing needs only the last one. Training learns from every position at once.",
    ),
    Mistake(
        name="returns-a-pair",
        equals="a GPT that returns a pair, (logits, loss)",
        remedy="Return the logits. The loss is another function, of the logits and the targets.",
        why="It is a habit of many tutorials. What gives back sometimes one thing and sometimes two has to be unpacked "
        "everywhere; our trainer expects logits.",
    ),
    Mistake(
        name="keeps-the-last",
        equals="a GPT that silently cuts a text down to its last n_ctx tokens",
        remedy="Raise ValueError where T > n_ctx. Who calls decides what to leave out.",
        why="The logits are then fewer than the ids, and belong to others than one thinks.",
    ),
    Mistake(
        name="keeps-the-first",
        equals="a GPT that silently cuts a text down to its first n_ctx tokens",
        remedy="Raise ValueError where T > n_ctx. Who calls decides what to leave out.",
        why="The last token, the one to go on from, is just what is lost.",
    ),
    Mistake(
        name="positions-clamped",
        equals="a GPT in which all tokens beyond n_ctx stand at the last position",
        remedy="Raise ValueError where T > n_ctx.",
        why="No error is worse than an error: the text turns to nonsense, and nobody knows why.",
    ),
    Mistake(
        name="positions-wrapped",
        equals="a GPT whose positions begin again at 0 beyond n_ctx",
        remedy="Raise ValueError where T > n_ctx.",
        why="No error is worse than an error: the text turns to nonsense, and nobody knows why.",
    ),
)


def reference(on: Mistakes) -> Any:
    """GPT in float64, with these mistakes."""
    return SimpleNamespace(GPT=partial(ReferenceGPT, on=on))


SMALL = GPTConfig(n_vocab=5, n_ctx=4, n_embd=6, n_head=2, n_layer=2, dropout=0.0)
DROPPING = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=1, dropout=0.5)


def size(solution: Any) -> Any:
    """How many numbers PyTorch knows of."""
    return f"{n_parameters(solution.GPT(SMALL)):,}"


def run(solution: Any, config: GPTConfig, ids: Tensor) -> Any:
    """What a GPT with known weights says of ids."""
    with torch.no_grad():
        return build(solution.GPT, config, "gpt", weights(config, "gpt"))(ids)


def two_tokens(solution: Any) -> Any:
    """Two tokens, and five that may come next."""
    return run(solution, SMALL, torch.tensor([[3, 1]]))


def batch(solution: Any) -> Any:
    """Two texts of seven tokens."""
    return run(solution, CONFIG, token_ids(2, 7))


def longest(solution: Any) -> Any:
    """A text of n_ctx tokens."""
    return run(solution, CONFIG, token_ids(1, 16, seed=1))


def too_long(solution: Any) -> Any:
    """A text of one token more than n_ctx; not where positions do not count, and any length will do."""
    tensors = weights(CONFIG, "gpt")
    moved = tensors | {"wpe.weight": torch.cat([tensors["wpe.weight"][:1], numbers(15, 12)])}
    with torch.no_grad():
        one, other = (build(solution.GPT, CONFIG, "gpt", given)(token_ids(1, 3)) for given in (tensors, moved))
    if same(one, other):
        return "all positions are alike"
    return run(solution, CONFIG, token_ids(1, 17, seed=2))


def fresh_head(solution: Any) -> Any:
    """Whether a head of its own, if there is one, begins as a copy of the embedding."""
    module: nn.Module = solution.GPT(CONFIG)
    matching = match_parameters(module, CONFIG, "gpt")
    if matching.own_head is None:
        return "tied"
    own = module.get_parameter(matching.own_head)
    table = matching.export()["wte.weight"]
    return "a copy" if torch.equal(own.reshape(-1), table.reshape(-1)) else "untied"


def dropping(solution: Any, training: bool) -> Any:
    """How much the logits of one token vary from place to place, where blocks add nothing and all places are alike."""
    tensors = {name: torch.zeros_like(tensor) for name, tensor in weights(DROPPING, "gpt").items()}
    tensors["wte.weight"] = torch.eye(61, 12)
    tensors["wte.weight"][12:, 0] = 1.0
    tensors["wpe.weight"] = torch.ones(16, 12)
    tensors["ln_f.weight"] = torch.ones(12)
    model = build(solution.GPT, DROPPING, "gpt", tensors).train(training)
    with torch.no_grad():
        logits = first_of(model(torch.zeros(100, 8, dtype=torch.int64)))
    return Near(logits.double().std(dim=(0, 1)).mean().nan_to_num(-1.0), 0.1)


def first_of(result: Any) -> Tensor:
    """The logits, of a GPT that gives back more as well."""
    logits: Tensor = result[0] if isinstance(result, tuple) else result
    return logits


def in_training(solution: Any) -> Any:
    """With dropout of 0.5, in training."""
    return dropping(solution, True)


def in_eval(solution: Any) -> Any:
    """With dropout of 0.5, in eval mode."""
    return dropping(solution, False)


EXERCISE = Exercise(
    name="gpt",
    title="GPT",
    task="""\
The whole model. A token's embedding (a row of wte) and its position's (a row of wpe) are added; the blocks, one after
the other, work on that; a last LayerNorm, ln_f, brings it to a known size; and the head scores every token of the
vocabulary with wte once more:

    x      = wte[ids] + wpe[0, 1, 2, ...]
    x      = block(x), for each of the n_layer blocks
    logits = ln_f(x) wte^T

In training numbers of x are dropped before the first block. A text of more than n_ctx tokens is an error: ValueError.
Block(config), LayerNorm(n_embd) and head(x, wte) come from `parts`, or are your own.""",
    symbols={"GPT": "nextword.model.gpt:GPT"},
    stub='''
import torch
from torch import Tensor, nn

from parts import Block, GPTConfig, LayerNorm, drop, head


class GPT(nn.Module):
    """A Transformer that predicts the next token at every position at once."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        # wte, wpe, h (the blocks), ln_f, and dropout
        ...

    def forward(self, ids: Tensor) -> Tensor:
        """Score every token of the vocabulary as the next one, at every position.

        ids (B, T) of int64 -> logits (B, T, V). Raises ValueError for texts longer than n_ctx.
        """
        ...
''',
    hints=(
        "nn.Embedding(n_vocab, n_embd) and nn.Embedding(n_ctx, n_embd) are the two tables. torch.arange(T, "
        "device=ids.device) are the positions.",
        "self.h = nn.ModuleList([Block(config) for _ in range(config.n_layer)]): a plain list would hide the blocks "
        "from PyTorch.",
        "In forward: embed, drop, for block in self.h: x = block(x), then return head(self.ln_f(x), self.wte.weight).",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("how many parameters there are, for V = 5, n_ctx = 4, C = 6 and two blocks", size),
        Probe("the logits for two tokens, of a vocabulary of five", two_tokens),
        Probe("the logits for two texts of seven tokens", batch),
        Probe("the logits for a text of n_ctx = 16 tokens", longest),
        Probe("a text of 17 tokens, where n_ctx = 16", too_long),
        Probe("the head of a fresh model", fresh_head),
        Probe("how much the logits vary with dropout of 0.5 in training", in_training),
        Probe("how much the logits vary with dropout of 0.5 in eval mode", in_eval),
    ),
    inner=inner_mistakes("a GPT", *(part.EXERCISE for part in (block, attention, mlp, layer_norm, gelu))),
    example="from_parts",
)
