"""The models that are measured, with random weights, and random ids for them to read."""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.run import Run
from nextword.model import GPT, fused


def fresh_model(run: Run, ops: ModuleType = fused) -> GPT:
    """A model with the same random weights every time, larger than GPT-2's first ones so that they matter."""
    torch.manual_seed(0)
    model = GPT(run.plan.config, ops=ops).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(2.0)
    return model.to(run.device)


def peer(run: Run) -> Any:
    """transformers' GPT-2 of the same shape, with its fastest attention."""
    import transformers

    config = run.plan.config
    shape = transformers.GPT2Config(
        vocab_size=config.n_vocab,
        n_positions=config.n_ctx,
        n_embd=config.n_embd,
        n_head=config.n_head,
        n_layer=config.n_layer,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=None,
        attn_implementation="sdpa",
    )
    return transformers.GPT2LMHeadModel(shape).to(run.device)


def random_ids(run: Run, *shape: int) -> Tensor:
    """The same ones for the same shape, on the processor."""
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randint(run.plan.config.n_vocab, shape, generator=generator)
