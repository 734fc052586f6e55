"""The small JSON file with a model's shape: `config.json` or `hparams.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nextword.config import GPTConfig
from nextword.errors import WeightsError
from nextword.weights.opened_file import refuse_pointer


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file. Raises WeightsError where there is no such file or no object in it."""
    try:
        text = path.read_bytes()
        refuse_pointer(path, text)
        content = json.loads(text.decode("utf-8-sig"))  # some editors begin every file with a mark
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read ({error.strerror}), and the weights are no use without it. "
            "Copy or download the whole directory."
        ) from error
    except ValueError as error:
        raise WeightsError(f"{path} is not JSON ({error}). Copy or download it again.") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} should hold one JSON object, and holds a {type(content).__name__}.")
    return content


def shape_from(path: Path, values: Mapping[str, Any], keys: Mapping[str, str], dropout: float = 0.1) -> GPTConfig:
    """Build a GPTConfig from a file's values.

    values: the file's content. keys: GPTConfig's name -> the file's, such as
    n_vocab -> vocab_size. Raises WeightsError, naming the file and the key.
    """
    for key in keys.values():
        if key not in values:
            raise WeightsError(f"{path} has no {key!r}: is it a GPT-2's?")
    try:
        return GPTConfig(**{ours: values[theirs] for ours, theirs in keys.items()}, dropout=dropout)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path}: {error}") from error
