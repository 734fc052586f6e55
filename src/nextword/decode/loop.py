"""The writing loop: read the prompt, choose a token, read that, choose again."""

from collections.abc import Callable, Iterator, Sequence

import torch

from nextword.decode.sampling import Sampling
from nextword.model import GPT, KVCache

Notice = Callable[[str], object]
"""Called with one line of text when something happens that a user should know."""


@torch.inference_mode()
def generate_ids(
    model: GPT,
    ids: Sequence[int],
    sampling: Sampling,
    generator: torch.Generator | None = None,
    notice: Notice | None = None,
) -> Iterator[int]:
    """Write token after token, without end: the caller stops when it has enough.

    ids: the prompt, at least one token. By way of the KV cache every token
    costs one token's work. When the text outgrows n_ctx the window slides;
    since positions count from the window's start, all of it must then be read
    anew, so it slides by half of n_ctx at once: the model always sees at least
    the last n_ctx / 2 tokens. Dropout is off meanwhile, whatever mode the
    model is in. Raises ValueError for an empty prompt.
    """
    if not ids:
        raise ValueError("There is no token to begin from: give at least one id, such as 50256 (<|endoftext|>).")
    n_ctx, device = model.config.n_ctx, model.wte.weight.device
    cache = KVCache(model.config, dtype=model.wte.weight.dtype, device=device)
    text = list(ids)
    unread = text[-n_ctx:]
    kept = max(1, n_ctx // 2)  # of the text, when the window slides
    if notice is not None and len(unread) < len(text):
        notice(
            f"The prompt has {len(text)} tokens, more than n_ctx = {n_ctx}: the first new token is chosen from the "
            f"last {n_ctx} of them, and the next ones from the last {kept} to {n_ctx} of the text."
        )
        notice = None
    was_training = model.training
    model.eval()
    try:
        while True:
            x = model.trunk(torch.tensor([unread], device=device), cache)  # (1, T, C)
            logits = model.head(x[:, -1])  # (1, V)
            text.append(int(sampling(logits, generator)))
            yield text[-1]
            unread = text[-1:]
            if cache.length == n_ctx:
                unread = text[-kept:]
                cache.clear()
                if notice is not None:
                    notice(
                        f"The text has outgrown n_ctx = {n_ctx} tokens: "
                        f"from here on the model sees the last {kept} to {n_ctx}."
                    )
                    notice = None
    finally:
        model.train(was_training)
