"""Test a model from outside: causality, positions, lengths, and dropout in eval mode."""

import traceback
from pathlib import Path

import torch
from torch import Tensor, nn

from nextword.doctor.answers import evaluate
from nextword.doctor.call import Call, Dropout, seeded
from nextword.doctor.findings import Finding, Findings, Location
from nextword.learn.checker.comparing import NOT_THEIRS, Raised, attempt, raised
from nextword.learn.checker.lines import line
from nextword.learn.fixtures.fixture import CONFIG, token_ids
from nextword.model.causality import find_leak

MUCH = 1e-4
"""Logits that differ by more than this, as a share of the largest, are others."""


def look_from_outside(module: nn.Module, call: Call) -> Findings:
    """All of it, on a model with some weights that are not all alike."""
    found = Findings()
    evaluate(module)
    with torch.no_grad():
        for look in (ahead, positions, other_texts, scores, beyond):
            with seeded(), Dropout(allow=False):
                try:
                    found.add(look(module, call))
                except Exception as error:  # what a user model's forward raises is told elsewhere
                    found.add(Findings([], [cannot_run(raised(error))] if look is ahead else []))
    return found


def cannot_run(error: Raised) -> Finding:
    """It raises on ordinary ids."""
    place = Location("", error.file, ((error.line, error.source),)) if error.line else None
    return Finding(
        "wrong",
        "raises",
        f"forward stops with {error.kind}: {error.message}",
        place=place,
        remedy="Mend this first: nothing else can be tried.",
    )


def differ(a: Tensor, b: Tensor) -> bool:
    """Whether some logits are others."""
    if not torch.equal(a.isfinite(), b.isfinite()):
        return True
    a, b = a.nan_to_num(0.0), b.nan_to_num(0.0)
    return bool((a - b).abs().max() > MUCH * max(1.0, float(b.abs().max())))


def ahead(module: nn.Module, call: Call) -> Findings:
    """Test causality: later tokens must not change earlier logits."""
    if call.takes == "prefixes" or not call(module, token_ids(1, 8, seed=3)).isfinite().all():
        return Findings()  # the latter is told by `scores`
    leak = find_leak(lambda ids: call(module, ids), CONFIG.n_vocab, CONFIG.n_ctx, torch.device("cpu"))
    if leak is None:
        return Findings(["no token sees what comes after it"])
    evidence = line(f"{leak}.")
    return Findings(
        [],
        [
            Finding(
                "wrong",
                "not-causal",
                "a token sees what comes after it",
                (evidence,),
                "Hide later tokens before the softmax: scores.masked_fill(~visible, -math.inf).",
                "A model that sees the next token learns to copy it, and cannot write.",
            )
        ],
    )


def positions(module: nn.Module, call: Call) -> Findings:
    """Whether like tokens at different places are told apart."""
    ids = torch.full((1, 4), 5)
    logits = call(module, ids)
    if not logits.isfinite().all():
        return Findings()
    if logits.size(1) == 4 and differ(logits[:, :3], logits[:, 1:]):
        return Findings(["it knows where a token stands"])
    evidence = line("Four like tokens in a row give the same logits at each place.")
    return Findings(
        [],
        [
            Finding(
                "wrong",
                "positions-unseen",
                "it does not know where a token stands",
                (evidence,),
                "Add the position's embedding: x = wte(ids) + wpe(torch.arange(T)).",
            )
        ],
    )


def other_texts(module: nn.Module, call: Call) -> Findings:
    """Whether the texts of a batch keep to themselves."""
    ids = token_ids(3, 6, seed=4)
    alone, together = call(module, ids[:1]), call(module, ids)[:1]
    if not alone.isfinite().all():
        return Findings()
    if alone.shape == together.shape and not differ(alone, together):
        return Findings(["texts of one batch keep to themselves"])
    change = float((alone - together).abs().max()) if alone.shape == together.shape else float("nan")
    evidence = line(f"A text's logits change by up to {change:.3g} when two others are read beside it.")
    return Findings(
        [],
        [
            Finding(
                "wrong",
                "batch-mixed",
                "the texts of a batch influence each other",
                (evidence,),
                "Look for a view, a mean or a softmax that includes dimension 0.",
            )
        ],
    )


def scores(module: nn.Module, call: Call) -> Findings:
    """Whether the logits are logits, and not probabilities or worse."""
    logits = call(module, token_ids(2, 6, seed=5)).double()
    if not logits.isfinite().all():
        n = int((~logits.isfinite()).sum())
        evidence = line(f"{n} of {logits.numel()} logits are NaN or infinite.")
        return Findings(
            [],
            [
                Finding(
                    "wrong",
                    "not-finite",
                    "its logits are not numbers",
                    (evidence,),
                    "Look for a row of attention that may see nothing, or for a division by 0.",
                )
            ],
        )
    sums = logits.sum(-1)
    if bool((logits >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        evidence = line("Each position's numbers are at least 0 and add up to 1.")
        return Findings(
            [],
            [
                Finding(
                    "wrong",
                    "probabilities",
                    "it gives probabilities instead of logits",
                    (evidence,),
                    "Return what the head gives. Cross-entropy and sampling take the softmax themselves.",
                    "With a softmax before the softmax of the loss everything still trains, slowly.",
                )
            ],
        )
    return Findings()


def beyond(module: nn.Module, call: Call) -> Findings:
    """Test a text longer than n_ctx."""
    T = CONFIG.n_ctx + 1
    result = attempt(lambda m: call.last(m, token_ids(1, T, seed=2)), module)
    if isinstance(result, Raised):
        return Findings([f"{T} tokens, one more than n_ctx, raise {result.kind}"])
    evidence = line(f"{T} tokens give logits without complaint, where n_ctx = {CONFIG.n_ctx}.")
    return Findings(
        [],
        [
            Finding(
                "look",
                "no-limit",
                "a text longer than n_ctx is no error",
                (evidence,),
                "Raise ValueError where T > n_ctx; who calls decides what to leave out.",
            )
        ],
    )


def settles(module: nn.Module, call: Call) -> Findings:
    """Whether eval mode gives the same twice, on an instance with dropout; and which line drops."""
    heard: list[tuple[str, int, str]] = []

    def hear() -> None:
        for frame in reversed(traceback.extract_stack()):
            file = Path(frame.filename)
            if frame.filename[0] != "<" and not any(folder in file.parents for folder in NOT_THEIRS):
                heard.append((file.name, frame.lineno or 0, (frame.line or "").strip()))
                return

    evaluate(module)
    ids = token_ids(2, 8, seed=6)
    try:
        with torch.no_grad(), seeded():
            with Dropout(True, hear):
                first = call(module, ids)
            second = call(module, ids)
    except Exception:  # told elsewhere
        return Findings()
    if torch.equal(first.nan_to_num(0.5), second.nan_to_num(0.5)):
        return Findings(["in eval mode it says the same twice"])
    lines = tuple(dict.fromkeys((number, text) for _, number, text in heard))
    place = Location("", heard[0][0], lines[:3]) if heard else None
    change = float((first - second).abs().nan_to_num(0.0).max())
    evidence = line(f"Two calls with the same ids differ by up to {change:.3g}.")
    return Findings(
        [],
        [
            Finding(
                "wrong",
                "unsettled",
                "in eval mode it does not say the same twice",
                (evidence,),
                "Use nn.Dropout(p), or F.dropout(x, p, training=self.training).",
                "F.dropout drops whenever it is called: it cannot know what model.eval() said.",
                place,
            )
        ],
    )
