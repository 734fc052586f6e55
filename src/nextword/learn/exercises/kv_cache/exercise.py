"""The KV cache: a token that has been read need not be read again."""

from typing import Any

import torch

from nextword.config import GPTConfig
from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.building import weights
from nextword.learn.fixtures.fixture import CONFIG, numbers, token_ids
from nextword.model.gpt import GPT


def model() -> GPT:
    """The fixture's GPT-2."""
    gpt = GPT(CONFIG)
    gpt.load_state_dict(weights(CONFIG, "gpt"))
    return gpt.eval()


def where(solution: Any) -> Any:
    """The positions of three tokens, and then of two, in an empty cache."""
    cache = solution.KVCache(CONFIG, 1)
    first = torch.as_tensor(cache.place(3)).flatten().tolist()
    for layer in range(CONFIG.n_layer):
        cache.extend(layer, numbers(1, 3, 3, 4), numbers(1, 3, 3, 4))
    cache.advance(3)
    return first, torch.as_tensor(cache.place(2)).flatten().tolist()


def kept(solution: Any) -> Any:
    """The first layer's keys and values, one token after all layers have one."""
    config = GPTConfig(n_vocab=5, n_ctx=4, n_embd=2, n_head=1, n_layer=2)
    cache = solution.KVCache(config, 1)
    for layer in range(2):
        k, v = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[3.0, 4.0]]]])
        cache.extend(layer, k + 10 * layer, v + 10 * layer)
    cache.advance(1)
    keys, values = cache.extend(0, torch.tensor([[[[5.0, 6.0]]]]), torch.tensor([[[[7.0, 8.0]]]]))
    return {"keys": keys[0, 0] + 0.0, "values": values[0, 0] + 0.0}


def read(solution: Any, *sizes: int, n_texts: int = 1, seed: int = 0) -> Any:
    """The logits of a text that is read in parts of these sizes, the last part's."""
    ids = token_ids(n_texts, sum(sizes), seed=seed)
    cache, gpt = solution.KVCache(CONFIG, n_texts), model()
    with torch.no_grad():
        for part in ids.split(list(sizes), dim=1):
            logits = solution.continue_text(gpt, part, cache)
    return logits


def at_once(solution: Any) -> Any:
    """A text that is read at once."""
    return read(solution, 4)


def one_more(solution: Any) -> Any:
    """One token after four."""
    return read(solution, 4, 1)


def one_by_one(solution: Any) -> Any:
    """Four tokens, one at a time."""
    return read(solution, 1, 1, 1, 1)


def several(solution: Any) -> Any:
    """Three tokens after four, of two texts."""
    return read(solution, 4, 3, n_texts=2, seed=1)


def another_text(solution: Any) -> Any:
    """Another text in a cache of its own."""
    read(solution, 3, seed=2)
    return read(solution, 2, 1, seed=3)


EXERCISE = exercise_in(
    __file__,
    title="The KV cache",
    task="""\
To write a token, a model needs the keys and values of all tokens before it, and they do not change any more. So keep
them: a new token then costs one token's work instead of a whole text's.

`KVCache` keeps each layer's keys and values, and knows how many tokens it holds:

    place(T)             the positions of the next T tokens: (T,)
    extend(layer, k, v)  k, v (B, H, T, D) are added; all that are there come back, old and new: (B, H, S, D)
    advance(T)           T more tokens have been through all layers

`continue_text(model, ids, cache)` reads the T tokens that follow those in the cache. It goes through nextword's own
GPT: model.wte, model.wpe; in each block of model.h: ln_1, attn.c_attn, attn.c_proj, ln_2, mlp; model.ln_f, model.head.
Three things easily go wrong: the new tokens' positions, that T queries meet S keys, and the mask between them.""",
    symbols={
        "KVCache": "nextword.model.cache:KVCache",
        "continue_text": "nextword.decode.plain:continue_text",
    },
    hints=(
        "self.keys = [None] * config.n_layer will do for the beginning; extend puts a layer's new keys behind those "
        "that are there, torch.cat([old, new], dim=-2), keeps the result, and returns it.",
        "place(T) is torch.arange(self.length, self.length + T), and only advance(T) changes the length.",
        "continue_text is a GPT's forward pass, with x = model.wte(ids) + model.wpe(cache.place(T)), and with "
        "k, v = cache.extend(layer, k, v) between splitting the heads and attention.",
        "The mask: query i stands at position S - T + i, so torch.ones(T, S, dtype=torch.bool).tril(S - T) is visible. "
        "causal_weights of the exercise on masks knows that.",
    ),
    reference="lists",
    probes=(
        Probe("the positions of three tokens, then of two more", where),
        Probe("one layer's keys and values of two tokens", kept),
        Probe("the logits of four tokens that are read at once", at_once),
        Probe("the logits of one token after four", one_more),
        Probe("the logits of the last of four tokens that are read one by one", one_by_one),
        Probe("the logits of three tokens after four, of two texts", several),
        Probe("the logits of the last token of another text", another_text),
    ),
    example="from_parts",
)
