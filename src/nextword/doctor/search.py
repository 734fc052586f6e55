"""Search for the mistake of a whole model, or the two, that explain its experiments."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nextword.doctor.answers import UserGPT, fitting_weights
from nextword.doctor.whole import MORE_EXACTLY, whole
from nextword.learn.checker.catalogue import network_mistakes
from nextword.learn.checker.comparing import attempt, same
from nextword.learn.checker.diagnosis import Difference, likely_pairs
from nextword.learn.checker.exercise import RIGHT, Exercise, Mistake, Mistakes
from nextword.learn.fixtures.building import weights
from nextword.learn.fixtures.fixture import CONFIG


@dataclass(frozen=True)
class Outcome:
    """Result of the experiments: differences, the mistakes that explain them, and agreements."""

    differences: tuple[Difference, ...]
    mistakes: tuple[Mistake, ...]
    agreeing: tuple[str, ...]

    @property
    def n_probes(self) -> int:
        """How many experiments there were."""
        return len(self.differences) + len(self.agreeing)


class Search:
    """The experiments' results for each mistake, computed on demand and kept."""

    def __init__(self, exercise: Exercise):
        self.exercise = exercise
        self._solutions: dict[Mistakes, Any] = {}
        self._seen: dict[Mistakes, list[Any]] = {}

    def expected(self, on: Mistakes, place: int) -> Any:
        """What an experiment, given by its place, sees of the reference with these mistakes."""
        seen = self._seen.setdefault(on, [])
        while len(seen) <= place:
            if on not in self._solutions:
                self._solutions[on] = self.exercise.reference(on)
            seen.append(attempt(self.exercise.probes[len(seen)].run, self._solutions[on]))
        return seen[place]

    def agrees(self, seen: list[Any], on: Mistakes) -> bool:
        """Whether the reference with these mistakes sees all of this; stops at the first where it does not."""
        return all(same(value, self.expected(on, place)) for place, value in enumerate(seen))

    def outcome(self, answer: Any, pair_seconds: float) -> Outcome:
        """Experiment with an answer, and explain what is wrong with it."""
        probes = self.exercise.probes
        seen = [attempt(probe.run, answer) for probe in probes]
        differences = tuple(
            Difference(probe.name, value, self.expected(RIGHT, place))
            for place, (probe, value) in enumerate(zip(probes, seen, strict=True))
            if not same(value, self.expected(RIGHT, place))
        )
        different = {difference.probe for difference in differences}
        found = self.explanation(seen, pair_seconds) if differences else ()
        return Outcome(
            differences,
            tuple(self.exercise.mistake(name) for name in found),
            tuple(probe.name for probe in probes if probe.name not in different),
        )

    def explanation(self, seen: list[Any], pair_seconds: float) -> tuple[str, ...]:
        """Find the one mistake, or else the two, that explain every experiment; () if none do."""
        names = [mistake.name for mistake in self.exercise.mistakes]
        for name in names:
            if self.agrees(seen, frozenset({name})):
                return (name,)
        end = time.monotonic() + pair_seconds
        matched = {}
        for name in names:
            on = frozenset({name})
            matched[name] = sum(same(value, self.expected(on, place)) for place, value in enumerate(seen))
        for pair in likely_pairs(matched):
            if time.monotonic() > end:
                break
            try:
                if self.agrees(seen, frozenset(pair)):
                    return pair
            except Exception:  # two mistakes that cannot be made together
                continue
        return ()


@lru_cache(maxsize=8)
def usual_search(zeros: frozenset[str], ones: frozenset[str], one_block: bool) -> Search:
    """The search for models that do without these biases and these scales."""
    tensors = dict(weights(CONFIG, "gpt"))
    for name in zeros:
        tensors[name] = tensors[name] * 0.0
    for name in ones:
        tensors[name] = tensors[name] * 0.0 + 1.0
    return Search(whole(tensors, one_block))


def search_for(user_gpt: UserGPT) -> Search:
    """The search that fits a user model."""
    fitting = fitting_weights(user_gpt.matching, user_gpt.module)
    usual = weights(CONFIG, "gpt")
    if not fitting["wpe.weight"].equal(usual["wpe.weight"]):
        return Search(whole(fitting, user_gpt.has_one_block_too))
    zeros = frozenset(name for name, tensor in fitting.items() if not tensor.any())
    ones = frozenset(name for name, tensor in fitting.items() if "ln_" in name and (tensor == 1).all())
    return usual_search(zeros, ones, user_gpt.has_one_block_too)


def diagnose(user_gpt: UserGPT, pair_seconds: float) -> Outcome:
    """Find a user model's mistakes by what its logits are. Raises MatchingError where its parameters are not known."""
    outcome = search_for(user_gpt).outcome(user_gpt, pair_seconds)
    named = tuple(by_exact_name(mistake, user_gpt) for mistake in outcome.mistakes)
    return Outcome(outcome.differences, named, outcome.agreeing)


def by_exact_name(mistake: Mistake, user_gpt: UserGPT) -> Mistake:
    """What a mistake is called, as far as only the parameters can tell."""
    name = mistake.name.partition("~")[0]
    parameter, instead = MORE_EXACTLY.get(name, ("", ""))
    if parameter in user_gpt.matching.missing:
        return network_mistakes()[instead]
    if name == "first-norm-twice" and shared(user_gpt, "h.0.ln_1.weight", "h.0.ln_2.weight"):
        return network_mistakes()["one-norm"]
    if name == "last-block-skipped" and shared(user_gpt, "h.0.ln_1.weight", f"h.{CONFIG.n_layer - 1}.ln_1.weight"):
        return network_mistakes()["block-missing"]
    return mistake if name == mistake.name else Mistake(name, mistake.equals, mistake.remedy, mistake.why)


def shared(user_gpt: UserGPT, one: str, other: str) -> bool:
    """Whether a user model has one parameter for two of ours."""
    places = user_gpt.matching.places
    first, second = places.get(one), places.get(other)
    return bool(first and second and first[0].parameter is second[0].parameter)
