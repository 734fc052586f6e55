"""`nextword push`: a model to the Hugging Face hub."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nextword.cli.arguments import parse
from nextword.errors import NextwordError

FILES = ("config.json", "model.safetensors", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
         "vocab.json", "merges.txt", "loss.png")  # fmt: skip
"""What is sent of a run: no log, no samples, and not run.json, which has paths of this machine in it."""

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Arguments:
    """Send a model to the Hugging Face hub, with a model card.

    Its weights, its tokenizer, the picture of its loss and the card; no text and no path of this machine. A card that
    is there already (README.md) is kept. Log in first: hf auth login.
    """

    model: Annotated[str, tyro.conf.Positional]
    """The directory of a run, or of a model in Hugging Face's layout."""

    repository: Annotated[str, tyro.conf.Positional]
    """USER/NAME on the hub; it is made if need be."""

    license: str | None = None
    """The licence, by the hub's name for it: mit, apache-2.0, cc-by-4.0, ... Default: none is named."""

    private: bool = False
    """Make the repository visible to you only."""

    dry_run: bool = False
    """Send nothing: show the card, and list the files."""


class PushError(NextwordError):
    """The hub did not take it."""

    exit_code = 1


def run(arguments: list[str]) -> int:
    """Make the card, and send all."""
    args = parse(Arguments, "push", arguments)
    if not REPOSITORY.fullmatch(args.repository):
        raise ValueError(f"{args.repository} is no name on the hub: give USER/NAME.")

    from nextword.train.model_card import model_card

    folder = Path(args.model)
    own = folder / "README.md"
    card = own.read_text(encoding="utf-8") if own.exists() else model_card(folder, args.repository, args.license)
    files = [folder / name for name in FILES if (folder / name).exists()]
    if not any(file.suffix == ".safetensors" for file in files):
        raise ValueError(f"{folder} has no model.safetensors: name the directory of a run that has ended, or saved.")
    if args.dry_run:
        print(card)
        print(f"To {args.repository}, with the card above as README.md:")
        print(*(f"  {file.name:24}{file.stat().st_size / 1e6:10,.1f} MB" for file in files), sep="\n")
        return 0
    send(args.repository, args.private, card, files)
    print(f"https://huggingface.co/{args.repository}")
    return 0


def send(repository: str, private: bool, card: str, files: list[Path]) -> None:
    """Commit the files and the card to the hub at once. Raises PushError where it does not take them."""
    from huggingface_hub import CommitOperationAdd, HfApi

    adds = [CommitOperationAdd(file.name, str(file)) for file in files]
    adds.append(CommitOperationAdd("README.md", card.encode()))
    api = HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        api.create_commit(repository, adds, commit_message="Add the model")
    except Exception as error:  # every HTTP library that huggingface_hub has used fails in its own way
        said = str(error).strip().partition("\n")[0]
        raise PushError(
            f"The hub did not take it ({said}). Are you logged in (hf auth login), and is the name yours?"
        ) from error
