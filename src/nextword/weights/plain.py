"""Loading official weights, written out: names and orientation, copying, and a proof that all is in its place.

`assemble.py` does the same for all formats, and copies nothing that can stay in
its file. This one is for reading.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

PROJECTIONS = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
"""What Hugging Face and OpenAI store as (in, out), and nn.Linear as (out, in)."""

MASKS = (".attn.bias", ".attn.masked_bias")
"""What old files hold besides: the causal mask of each block, which is not learned."""


def from_huggingface(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors of a Hugging Face file our names, and nn.Linear's orientation.

    Names lose `transformer.` where they have it. The four projections of each
    block are transposed: c_attn (C, 3C) -> (3C, C), attn.c_proj (C, C) -> (C, C),
    c_fc (C, 4C) -> (4C, C), mlp.c_proj (4C, C) -> (C, 4C). The masks
    `h.0.attn.bias` and `h.0.attn.masked_bias` are left out, and so is
    `lm_head.weight`, which is wte again.
    """
    ours = {}
    for stored, tensor in tensors.items():
        name = stored.removeprefix("transformer.")
        if not name.endswith(MASKS) and name != "lm_head.weight":
            ours[name] = tensor.T if name.endswith(PROJECTIONS) else tensor
    return ours


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy every tensor into the model's parameter of the same name.

    The parameters stay the objects that they were, so that whatever holds them,
    such as an optimizer or a tied head, goes on holding them. Raises ValueError
    for a parameter without a tensor, a tensor without a parameter, and a tensor
    of another shape.
    """
    parameters = dict(model.named_parameters())
    missing, unknown = parameters.keys() - tensors.keys(), tensors.keys() - parameters.keys()
    if missing or unknown:
        raise ValueError(f"missing: {sorted(missing)}; not part of the model: {sorted(unknown)}. Is it the same GPT-2?")
    for name, parameter in parameters.items():
        if tensors[name].shape != parameter.shape:
            raise ValueError(f"{name} is {tuple(tensors[name].shape)} and should be {tuple(parameter.shape)}.")
        with torch.no_grad():
            parameter.copy_(tensors[name])


def verify(model: nn.Module, ids: Tensor, expected: Tensor, tolerance: float = 1e-4) -> float:
    """Check that a model gives the expected logits at every position.

    ids (B, T), expected logits (B, T, V) -> the largest difference. The model
    runs in eval mode and without gradients, and is left in the mode that it was
    in. Raises ValueError where the difference is more than `tolerance` times the
    largest expected logit (by its absolute value), or is NaN.
    """
    training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(ids)
    model.train(training)
    difference = float((logits - expected).abs().max())
    allowed = tolerance * float(expected.abs().max())
    if not difference <= allowed:  # this way round, NaN is refused as well
        raise ValueError(
            f"logits differ by {difference:.3g}, and at most {allowed:.3g} is rounding: "
            "look for a forgotten transpose, or another n_head."
        )
    return difference
