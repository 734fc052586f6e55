"""All mistakes of the reference network, under the names of its switches."""

from dataclasses import replace

from nextword.learn.checker.exercise import Exercise, Mistake
from nextword.learn.checker.track import TRACK

OWN = ("attention", "mlp", "block", "gpt")
"""Exercises whose mistakes are the network's by their own names."""

PARTS = ("layer_norm", "gelu")
"""Exercises whose mistakes are the network's under their exercise's name as well."""


ALONE = ("keepdim-missing", "keepdim-missing-twice", "eps-fixed", "input-changed", "float64-returned", "gradient-cut")
"""Mistakes of a part that only the part by itself shows: in a network they change no number, or end in an error of
sizes that do not fit, as a hundred other mistakes do."""


def network_mistakes() -> dict[str, Mistake]:
    """Every name that may stand in `ReferenceGPT(config, on)`, with the mistake in words."""
    own = {mistake.name: mistake for name in OWN for mistake in TRACK[name].mistakes}
    parts = {f"{name}.{mistake.name}": mistake for name in PARTS for mistake in in_networks(TRACK[name])}
    return own | parts


def in_networks(exercise: Exercise) -> tuple[Mistake, ...]:
    """The mistakes of an exercise that show in a network made of it."""
    return tuple(m for m in exercise.mistakes if exercise.name in OWN or m.name not in ALONE)


def inner_mistakes(whole: str, *exercises: Exercise) -> tuple[Mistake, ...]:
    """Reword the mistakes of these exercises as those of a whole: of "a GPT"."""
    return tuple(
        replace(
            mistake,
            name=mistake.name if exercise.name in OWN else f"{exercise.name}.{mistake.name}",
            equals=f"{whole} with {mistake.equals}",
        )
        for exercise in exercises
        for mistake in in_networks(exercise)
    )
