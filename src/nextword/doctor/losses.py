"""Compare the loss that forward returns with the cross-entropy of its logits."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from nextword.doctor.call import Call
from nextword.doctor.findings import Finding, Findings
from nextword.learn.checker.comparing import Raised, attempt
from nextword.learn.checker.exercise import RIGHT, Mistake, Mistakes
from nextword.learn.checker.lines import line
from nextword.learn.checker.track import TRACK
from nextword.learn.fixtures.fixture import token_ids

HUGGING_FACE = "That is Hugging Face's way, and right where labels are the ids themselves: give it no shifted ones."


def own_loss(module: nn.Module, call: Call) -> Findings:
    """Compare a forward's loss with that of its own logits and the targets as they are."""
    if call.targets is None:
        return Findings()
    ids, targets = token_ids(3, 6, seed=7), token_ids(3, 6, seed=8)
    module.eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, dtype=parameter.dtype))
    loss = attempt(lambda m: call.with_loss(m, ids, targets), module)
    if loss is None:
        return Findings()
    if isinstance(loss, Raised):
        return Findings.one(
            Finding("wrong", "loss-raises", f"with targets forward stops with {loss.kind}: {loss.message}")
        )
    with torch.no_grad():
        logits = call(module, ids).double()
    right, value = reference_loss(RIGHT, logits, targets), float(loss.detach())
    if is_same(value, right):
        if loss.requires_grad:
            return Findings(["its loss is the cross-entropy of its logits"])
        title = "its loss has lost its connection to the logits"
        return Findings.one(
            Finding("wrong", "loss-detached", title, remedy="Return the tensor, without .item() or .detach().")
        )
    evidence = (line(f"Its loss is {value:.4f} where the cross-entropy of its own logits is {right:.4f}."),)
    for mistake in TRACK["cross_entropy"].mistakes:
        if is_same(value, reference_loss(frozenset({mistake.name}), logits, targets)):
            return Findings.one(known(mistake, call, evidence))
    finding = Finding(
        level="look",
        name="loss-unlike",
        title="its loss is not the cross-entropy of its logits",
        evidence=evidence,
        remedy="F.cross_entropy(logits.flatten(0, 1), targets.flatten()), if nothing else is meant.",
    )
    return Findings.one(finding)


def known(mistake: Mistake, call: Call, evidence: Any) -> Finding:
    """Make a finding of a known cross-entropy mistake. Shifted labels are fine in Hugging Face's style."""
    theirs = mistake.name == "shifted-again" and call.targets == "labels"
    return Finding(
        level="fine" if theirs else "wrong",
        name=f"cross_entropy.{mistake.name}",
        title="its loss shifts the labels itself" if theirs else f"its loss is {mistake.equals}",
        evidence=evidence,
        remedy=HUGGING_FACE if theirs else mistake.remedy,
        why="" if theirs else mistake.why,
    )


def reference_loss(on: Mistakes, logits: Tensor, targets: Tensor) -> float:
    """Loss of the reference with these mistakes, for logits (B, T, V) and targets (B, T); NaN where it raises."""
    loss = attempt(lambda _: float(TRACK["cross_entropy"].reference(on).cross_entropy(logits, targets)), None)
    return loss if isinstance(loss, float) else math.nan


def is_same(loss: float, other: float) -> bool:
    """Whether two losses are the same, but for rounding in float32."""
    return math.isclose(loss, other, rel_tol=1e-4)
