"""An independent GPT-2 to compare with: transformers'."""

import pytest
from torch import nn

from nextword.model import GPT

IN_OUT = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


def theirs(model: GPT, **settings: float) -> nn.Module:
    """transformers' GPT-2 with our weights, mapped here by hand: not by the code that is under test elsewhere."""
    transformers = pytest.importorskip("transformers", reason="transformers (extra: test) is the reference here")
    config = model.config
    other = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=config.n_vocab,
            n_positions=config.n_ctx,
            n_embd=config.n_embd,
            n_head=config.n_head,
            n_layer=config.n_layer,
            attn_implementation="eager",
            **settings,
        )
    ).eval()
    state = {name: p.T if name.endswith(IN_OUT) else p for name, p in model.state_dict().items()}
    missing, unexpected = other.transformer.load_state_dict(state, strict=False)
    assert not unexpected
    assert all("attn.bias" in name or "masked_bias" in name for name in missing)
    return other  # type: ignore[no-any-return]
