"""Open a directory of weights, in whichever format they are."""

from pathlib import Path

from nextword.commands import command
from nextword.errors import WeightsError
from nextword.weights.formats import FORMATS
from nextword.weights.opened_file import refuse_pointer
from nextword.weights.stored import StoredModel

LLM_C = (20240326).to_bytes(4, "little")
"""What llm.c's checkpoints begin with."""

PICKLES = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}

KINDS = ("a run directory", *(one.words for one in FORMATS.values()))
"""What `load_model` reads, in words."""


def open_model(directory: Path) -> StoredModel:
    """Open a directory in whichever of the `FORMATS` it is. Raises WeightsError if it is in none."""
    if not directory.exists():
        raise WeightsError(f"{directory} does not exist. Give {one_of(*KINDS)}.")
    for one in FORMATS.values():
        if one.is_at(directory):
            return one.open(directory)
    if directory.is_file():
        if directory.suffix in PICKLES:
            raise pickle_error(directory)
        if directory.suffix == ".safetensors":
            raise WeightsError(f"{directory} is one file. Give its directory: {directory.parent}")
        raise WeightsError(f"{directory} is a file. Give a directory: {one_of(*KINDS)}.")
    if (directory / "run.json").is_file():
        raise WeightsError(
            f"{directory} is a run that has not saved any weights yet. Wait for its first checkpoint; "
            f"if it was stopped before, begin it anew with {command('train', '--out', directory, '--overwrite')}."
        )
    pickles = [file for file in sorted(directory.iterdir()) if file.suffix in PICKLES]
    if pickles:
        raise pickle_error(pickles[0])
    raise WeightsError(f"{directory} holds no weights that nextword reads. Give {one_of(*KINDS)}.")


def one_of(*choices: str) -> str:
    """Write a choice in words: `one_of("a", "b", "c") == "a, b or c"`."""
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def pickle_error(file: Path) -> WeightsError:
    """Explain the refusal of a pickle or of llm.c's file, with the command that imports it."""
    with file.open("rb") as opened:
        beginning = opened.read(64)
    refuse_pointer(file, beginning)
    made_by = (
        "a checkpoint of llm.c" if beginning[:4] == LLM_C else "a pickle, which nextword loads from with care only"
    )
    out = file.parent / f"{file.stem}-imported"
    return WeightsError(f"{file} is {made_by}. Make a model of it: {command('import', file, '--out', out)}")
