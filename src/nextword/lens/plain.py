"""The logit lens, written out: what each layer would say next.

`tracing.py` tells the same with labels, and without holding all scores of a long
text at once.
"""

import torch
from torch import Tensor

from nextword.model import GPT


@torch.no_grad()
def logit_lens(model: GPT, ids: Tensor) -> Tensor:
    """Ask the head at every layer, as if the model ended there.

    ids (B, T) -> logits (n_layer + 1, B, T, V): those of the embeddings alone,
    then those after each block; the last are the model's own. Blocks only add
    to the residual stream, so that the last LayerNorm and the head can read it
    anywhere on its way. Dropout is off meanwhile, and the model's mode is put back.

    Source: nostalgebraist, "interpreting GPT: the logit lens" (2020).
    """
    was_training = model.training
    model.eval()
    try:
        stream = [*model.residual_stream(ids)]  # n_layer + 1 of (B, T, C)
    finally:
        model.train(was_training)
    return torch.stack([model.head(model.ln_f(x)) for x in stream])  # (n_layer + 1, B, T, V)
