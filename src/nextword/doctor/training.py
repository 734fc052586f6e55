"""Whether a model can learn: where its gradients reach, and whether it learns one batch by heart."""

import torch
from torch import Tensor, nn

from nextword.doctor.answers import UserGPT
from nextword.doctor.behaviour import cannot_run
from nextword.doctor.call import Call, seeded
from nextword.doctor.findings import Finding, Findings
from nextword.doctor.initialisation import LN_V, beginning, loss_of
from nextword.doctor.losses import own_loss
from nextword.learn.checker.comparing import Raised, attempt, raised
from nextword.learn.checker.lines import line
from nextword.learn.fixtures.fixture import CONFIG, token_ids
from nextword.weights.matching import MatchingError, match_parameters
from nextword.weights.matching.places import patterns

STEPS = 60
"""With how many updates one batch must be learned."""

BY_HEART = 0.1
"""Below which share of its first loss, or of ln V, a batch is known by heart."""


def look_at_training(user_gpt: UserGPT) -> Findings:
    """All of it, each on a fresh instance with dropout of 0."""
    found = Findings()
    for look in (beginning, gradients, own_loss, by_heart):
        try:
            with seeded(), torch.enable_grad():
                found.add(look(user_gpt.fresh(), user_gpt.call))
        except Exception as error:  # whatever a user model's forward may raise
            found.findings.append(cannot_run(raised(error)))
    return found


def gradients(module: nn.Module, call: Call) -> Findings:
    """Test whether every trainable parameter gets a gradient."""
    module.train()
    ids, targets = token_ids(4, CONFIG.n_ctx, seed=7), token_ids(4, CONFIG.n_ctx, seed=8)
    with torch.no_grad():  # a matrix of zeros would stop the gradients of what is below it
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, dtype=parameter.dtype))
    loss = loss_of(module, call, ids, targets)
    outcome = attempt(lambda _: loss.backward(), module)
    if isinstance(outcome, Raised):
        title = f"the loss has no gradient: {outcome.message}"
        remedy = "Look for .detach(), .item(), .data or torch.no_grad() on the way."
        return Findings.one(Finding("wrong", "no-backward", title, remedy=remedy))
    keys = key_biases(module)
    without = [name for name, p in module.named_parameters() if p.requires_grad and name not in keys and is_still(p)]
    frozen = [n for n, p in module.named_parameters() if not p.requires_grad and p.shape[-1:] != (CONFIG.n_ctx,)]
    found = Findings() if without or frozen else Findings(["gradients reach every parameter"])
    if without:
        listed = patterns(without)
        finding = Finding(
            level="wrong",
            name="no-gradient",
            title=f"{len(without)} parameters get no gradient" if len(listed) > 1 else f"{listed[0]} gets no gradient",
            evidence=(line(f"No gradient: {', '.join(listed[:6])}{' ...' if listed[6:] else ''}."),),
            remedy="Use them in forward, or leave them out.",
            why="They stay as they were drawn, and nobody complains.",
            parameters=tuple(listed),
        )
        found.findings.append(finding)
    if frozen:
        listed = patterns(frozen)
        evidence = (line(f"requires_grad is False: {', '.join(listed[:6])}."),)
        found.findings.append(
            Finding("look", "frozen", f"{len(frozen)} parameters are frozen", evidence, parameters=tuple(listed))
        )
    return found


def is_still(parameter: Tensor) -> bool:
    """Whether nothing moves a parameter."""
    return parameter.grad is None or not parameter.grad.any()


def key_biases(module: nn.Module) -> set[str]:
    """Names of key-only biases. They shift all scores of a row alike, so their gradient is 0."""
    try:
        places = match_parameters(module, CONFIG).places
    except MatchingError:
        return set()
    pieces = [piece for name, found in places.items() if name.endswith("c_attn.bias") for piece in found]
    C = CONFIG.n_embd
    return {piece.name for piece in pieces if piece.rows.start is not None and C <= piece.rows.start < 2 * C}


def by_heart(module: nn.Module, call: Call) -> Findings:
    """Whether one small batch can be learned by heart."""
    module.train()
    ids = token_ids(2, 9, seed=12)
    x, y = ids[:, :-1], ids[:, 1:]
    learning = {name: p for name, p in module.named_parameters() if p.requires_grad}
    before = {name: p.detach().clone() for name, p in learning.items()}
    optimizer = torch.optim.AdamW(learning.values(), lr=1e-2, weight_decay=0.0)
    losses: list[float] = []
    for _ in range(STEPS):
        loss = loss_of(module, call, x, y)
        if not loss.requires_grad:
            return Findings()  # told by `gradients`
        losses.append(float(loss.detach()))
        if losses[-1] < BY_HEART * min(losses[0], LN_V):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    first, last = losses[0], losses[-1]
    if last < BY_HEART * min(first, LN_V):
        return Findings([f"it learns a batch by heart (loss {first:.2f} -> {last:.2f} in {len(losses) - 1} steps)"])
    evidence = [line(f"The loss on 16 tokens, seen {STEPS} times with AdamW (lr 0.01): {first:.3f} -> {last:.3f}.")]
    still = patterns([name for name, p in learning.items() if torch.equal(p, before[name])])
    if still:
        evidence.append(line(f"Not moved at all: {', '.join(still[:6])}."))
    finding = Finding(
        level="wrong",
        name="does-not-learn",
        title="it does not learn one small batch by heart",
        evidence=tuple(evidence),
        remedy="Mend what is named above first: this may be its consequence.",
        why="A model that cannot do this will not learn a text either.",
    )
    return Findings.one(finding)
