"""The settings in a run's run.json, compared with those it is resumed with."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from nextword.data import Corpus, OpenedCorpus
from nextword.data.reading import AS_AT_FIRST
from nextword.data.sharded_corpus import ShardedCorpus
from nextword.errors import RunError
from nextword.train.config import LENGTHS, TrainConfig
from nextword.train.run_directory import description
from nextword.train.setup import Setup

MAY_DIFFER = "the rest of this run may differ in its last digits."
DECIDES_NOTHING = ("data", "out", "shard", "recompute")
"""Settings that may differ on resuming: the data is compared by its content, and `out` names the run."""

AT_FIRST = {name: getattr(AS_AT_FIRST, name) for name in ("separator", "encoding", "as_text")} | {"recipe": "usual"}
"""What settings were before there were such settings: a run.json that lacks them is from then."""


def check_unchanged(
    path: Path, config: TrainConfig, corpus: Corpus | OpenedCorpus | ShardedCorpus, recorded: dict[str, Any]
) -> None:
    """Raise RunError, naming every difference, unless a run is resumed as it was begun.

    Its length may differ: of that, see `resumed_plan`.
    recorded: what `Setup.describe` said when it began.
    """
    then, now = AT_FIRST | recorded["config"], asdict(config)
    differences = [
        f"`{field.name}` was {in_words(then.get(field.name))} and is {in_words(now[field.name])}"
        for field in fields(TrainConfig)
        if field.name not in (*DECIDES_NOTHING, *LENGTHS) and then.get(field.name) != now[field.name]
    ]
    if recorded["data"].get("sha256") != corpus.sha256:
        differences.append(f"the text of {corpus.name} has changed (its SHA-256 differs)")
    if differences:
        raise RunError(
            f"{path} cannot be resumed differently from how it was begun: {'; '.join(differences)}. "
            f"To train its weights further in another way, use `init={str(path)!r}` and another `out`."
        )


def in_words(setting: object) -> object:
    """Write a setting as a user would say it."""
    return "left out" if setting is None else '""' if setting == "" else setting


def recorded_config(path: Path) -> TrainConfig:
    """Read the settings that a run was begun with. Raises RunError where they are not ours."""
    recorded = description(path)["config"]
    try:
        return replace(TrainConfig(**{**AT_FIRST, **recorded, "data": tuple(recorded["data"])}), out=str(path))
    except (TypeError, KeyError, ValueError) as error:
        raise RunError(
            f"{path / 'run.json'} has settings that this version of nextword does not know ({error}): "
            f"go on from the run's weights with `init={str(path)!r}` and another `out`."
        ) from error


def as_begun(config: TrainConfig, recorded: dict[str, Any]) -> TrainConfig:
    """Take over the settings that were chosen as the run began, against a newer recipe."""
    names = ("window", "stride", "batch_size", "dropout", "optimizer")
    chosen = {"optimizer": "adamw"} | recorded.get("plan", {})  # when there was no other, none was named
    return replace(config, **{name: chosen[name] for name in names if name in chosen})


def changes_in_numerics(setup: Setup, recorded: dict[str, Any]) -> list[str]:
    """List what may change a resumed run's last digits, in words."""
    now = setup.describe()
    pairs = [("PyTorch", recorded["versions"].get("torch"), now["versions"]["torch"])]
    pairs += [(f"The {key}", recorded.get(key), now[key]) for key in ("device", "dtype")]
    if setup.device.type == "cpu":  # sums are split among the threads, and rounded where they are split
        pairs += [("The number of threads", recorded.get("threads"), now["threads"])]
        kernels = recorded.get("kernels", now["kernels"])  # an older run.json does not tell
        pairs += [("The use of nextword's own kernels", on_or_off(kernels), on_or_off(now["kernels"]))]
    return [f"{name} was {then} and is {today}: {MAY_DIFFER}" for name, then, today in pairs if then != today]


def on_or_off(used: bool) -> str:
    """Write a truth value as on or off."""
    return "on" if used else "off"
