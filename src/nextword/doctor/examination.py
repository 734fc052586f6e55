"""The whole examination: one look after another, and what they found put in order."""

import time
from dataclasses import replace
from pathlib import Path

from nextword.config import GPTConfig
from nextword.doctor.answers import DROPPING, UserGPT, fitting_weights
from nextword.doctor.behaviour import look_from_outside, settles
from nextword.doctor.choice import choose
from nextword.doctor.findings import Finding, Findings, Level
from nextword.doctor.locations import legend, part_of, place_of
from nextword.doctor.review import Review
from nextword.doctor.search import Outcome, diagnose
from nextword.doctor.source import Source, read
from nextword.doctor.structure import look_at_structure, unlike_gpt2
from nextword.doctor.training import look_at_training
from nextword.learn.checker.diagnosis import Difference
from nextword.learn.checker.lines import Line, line
from nextword.learn.checker.observing import observations
from nextword.learn.checker.showing import side_by_side
from nextword.weights.matching import MatchingError

MILD = {"eps=1e-6", "eps=1e-8", "eps=1e-12", "keeps-the-last", "log-softmax-applied"}
"""Mistakes that are only worth a look."""

CONSEQUENCES = {
    *("not-causal", "positions-unseen", "batch-mixed", "not-finite", "probabilities", "no-limit", "unsettled"),
    *("does-not-learn", "no-gradient", "raises", "loss-not-finite", "loss-raises"),
}
"""What is seen from outside of a mistake that is known by name."""

TELLING = {"not-causal", "positions-unseen", "batch-mixed", "unsettled", "no-gradient"}
"""Of these, what is worth being told as evidence."""


def examine(spec: str, expression: str | None = None, pair_seconds: float = 8.0, folder: Path | None = None) -> Review:
    """Review a user model. Raises DoctorError where there is nothing that could be reviewed."""
    start = time.monotonic()
    source = read(spec, folder)
    chosen, name = choose(source, spec, expression)
    notes = in_short(source)
    if isinstance(chosen, Finding):
        review = Review(spec, name, "", (), (chosen,))
    else:
        found = look(chosen, source, pair_seconds)
        review = Review(
            spec, name, chosen.make.how, tuple(found.sound), in_order(found.findings), keeps_contract(chosen)
        )
    return replace(review, notes=tuple(notes), seconds=round(time.monotonic() - start, 3))


def in_short(source: Source) -> list[str]:
    """Summarise the failures of a file: the first one, and how many followed."""
    notes = [f"{source.name}, {source.failures[0]}."] if source.failures else []
    if source.failures[1:]:
        notes.append(f"After that {len(source.failures) - 1} more statements failed; the class was there all the same.")
    return notes + source.notes


def look(user_gpt: UserGPT, source: Source, pair_seconds: float) -> Findings:
    """All that can be found out about a model."""
    found = Findings()
    try:
        matching = user_gpt.matching
    except MatchingError as error:
        found.findings.append(unlike_gpt2(user_gpt.make(DROPPING), source, error))
        found.add(look_from_outside(user_gpt.fresh(), user_gpt.call))
        found.add(settles(user_gpt.make(DROPPING), user_gpt.call))
        found.add(look_at_training(user_gpt))
        return found
    matching.load(fitting_weights(matching, user_gpt.module))
    outside = look_from_outside(user_gpt.module, user_gpt.call)
    outside.add(settles(user_gpt.make(DROPPING), user_gpt.call))
    outcome = diagnose(user_gpt, pair_seconds)
    training = look_at_training(user_gpt)
    found.add(in_words(outcome, outside, training, user_gpt, source))
    found.add(calling(user_gpt))
    found.add(look_at_structure(user_gpt, source))
    found.findings = merged(found.findings)
    return found


def merged(findings: list[Finding]) -> list[Finding]:
    """Merge findings caused by blocks that PyTorch does not know of."""
    named = {finding.name: finding for finding in findings}
    cause, effect = named.get("blocks-in-a-list"), named.get("does-not-learn")
    if cause is None or effect is None:
        return findings
    both = replace(cause, evidence=cause.evidence + effect.evidence)
    return [both if finding is cause else finding for finding in findings if finding is not effect]


def in_words(outcome: Outcome, outside: Findings, training: Findings, user_gpt: UserGPT, source: Source) -> Findings:
    """Report the experiments' findings, with behaviour and training as evidence."""
    found = Findings()
    if not outcome.differences:
        found.sound.append(f"its logits are GPT-2's in all {outcome.n_probes} experiments")
        found.add(outside)
        found.add(training)
        return found
    consequences = [f for f in (*outside.findings, *training.findings) if f.name in CONSEQUENCES]
    if outcome.mistakes:
        for number, mistake in enumerate(outcome.mistakes):
            evidence = first_difference(outcome) if number == 0 else []
            if number == 0:
                evidence += [spans for f in consequences if f.name in TELLING for spans in f.evidence]
            names = legend(f"{mistake.equals} {mistake.remedy}", part_of(mistake.name), user_gpt.matching)
            evidence += [line(names, "dim")] if names else []
            place = place_of(mistake.name, user_gpt.module, user_gpt.matching, source)
            seen = next((f.place for f in consequences if f.name == "unsettled" and f.place), None)
            if seen is not None and mistake.name.endswith("in-eval"):
                place = replace(place, lines=seen.lines, file=seen.file) if place else seen
            level: Level = "look" if mistake.name in MILD else "wrong"
            found.findings.append(
                Finding(
                    level,
                    mistake.name,
                    mistake.equals,
                    tuple(evidence),
                    without_parts(mistake.remedy),
                    mistake.why,
                    place,
                )
            )
        consequences_told = {f.name for f in consequences}
        for other in (outside, training):
            found.add(Findings(other.sound, [f for f in other.findings if f.name not in consequences_told]))
    else:
        evidence = [*located(outcome), *first_difference(outcome)]
        found.findings.append(
            Finding(
                "wrong",
                "unexplained",
                "its logits are not GPT-2's, and by none of the mistakes known by name",
                tuple(evidence),
                "Begin with what is named here, and compare it line by line with GPT-2's.",
                "",
            )
        )
        found.add(outside)
        found.add(training)
    return found


def without_parts(remedy: str) -> str:
    """A remedy without what only learners of the exercises have."""
    for words in (", or gelu from parts", "gelu from parts, or ", " from parts", " (`parts`)"):
        remedy = remedy.replace(words, "")
    return remedy


def first_difference(outcome: Outcome) -> list[Line]:
    """The smallest example: theirs and GPT-2's, side by side."""
    first: Difference = outcome.differences[0]
    count = f"the first that differs; {len(outcome.agreeing)} of {outcome.n_probes} experiments agree"
    words = [line(text) for text in observations(first.yours, first.right)[:1]] if not outcome.mistakes else []
    return [
        *words,
        ((f"{first.probe[0].upper()}{first.probe[1:]} ", ""), (f"({count}):", "dim")),
        *side_by_side(first.yours, first.right),
    ]


def located(outcome: Outcome) -> list[Line]:
    """In which part of the model something is wrong, as far as silencing the others tells."""
    if "the logits of four tokens" in outcome.agreeing:
        return []  # in ordinary texts all is right
    agrees = {name.partition(":")[0] for name in outcome.agreeing}
    embeddings, mlps, attention = (
        part in agrees for part in ("the embeddings alone", "the MLPs alone", "attention alone")
    )
    if not embeddings:
        return [
            line(
                "With both halves of every block silent it is wrong already: look at the embeddings, at the last "
                "LayerNorm, at the head."
            )
        ]
    if mlps and not attention:
        return [line("With attention silent it agrees, with the MLPs silent it does not: look at attention.")]
    if attention and not mlps:
        return [
            line("With the MLPs silent it agrees, with attention silent it does not: look at the MLP and its norm.")
        ]
    if attention and mlps:
        return [line("With either half of the blocks silent it agrees: look at how a block puts the two together.")]
    return [
        line(
            "Embeddings, last LayerNorm and head agree; both halves of the blocks differ: look at what they have in "
            "common, the LayerNorm and the additions."
        )
    ]


def calling(user_gpt: UserGPT) -> Findings:
    """Describe its calling convention, where it is not forward(ids) -> logits of all positions."""
    call = user_gpt.call
    if call.takes == "prefixes":
        return Findings(
            [],
            [
                Finding(
                    "look",
                    "last-position-only",
                    "it gives the logits of the last position only",
                    (line("forward(ids) of shape (2, 5) gives logits of one position."),),
                    "Return the logits of all positions, (B, T, V), at least when there are targets.",
                    "Writing needs only the last one. Training learns from every position at once.",
                )
            ],
        )
    if call.takes == "targets":
        return Findings(
            [],
            [
                Finding(
                    "fine",
                    "last-position-shortcut",
                    "without targets it gives the last position only",
                    (line(f"So it was given {call.targets} here. In writing that saves time."),),
                )
            ],
        )
    return Findings()


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """The heaviest first; each name once."""
    once = list({finding.name: finding for finding in reversed(findings)}.values())[::-1]
    return tuple(sorted(once, key=lambda finding: ("wrong", "look", "fine").index(finding.level)))


def keeps_contract(user_gpt: UserGPT) -> bool:
    """Whether our own trainer could build and call it: GPT(config), forward(ids) -> logits first."""
    call = user_gpt.call
    if call.takes != "ids" or call.shape != "(B, T, V)" or user_gpt.make.is_expression:
        return False
    try:
        user_gpt.make.cls(GPTConfig(n_vocab=7, n_ctx=4, n_embd=8, n_head=2, n_layer=1))
    except Exception:  # whatever a user model's constructor may raise
        return False
    return True
