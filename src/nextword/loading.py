"""From a name or a path to a model that is ready to write."""

from pathlib import Path

import torch

from nextword.errors import WeightsError
from nextword.model import GPT, fused
from nextword.model.ops import Ops
from nextword.runtime import pick_device
from nextword.tokenizer import Tokenizer
from nextword.tokenizer.vocab import N_VOCAB
from nextword.weights import fetch
from nextword.weights.assemble import assemble
from nextword.weights.directory import KINDS, one_of, open_model
from nextword.weights.hub import REPOSITORIES


def load(
    name_or_path: str | Path,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    ops: Ops = fused,
) -> tuple[GPT, Tokenizer]:
    """Load a model with its tokenizer; the model is in eval mode.

    name_or_path: `gpt2`, `gpt2-medium`, `gpt2-large` or `gpt2-xl` for the
    official weights (downloaded once), or the path of a run, of a Hugging Face
    or of an OpenAI directory. One of the four names always means the official
    weights: a directory of that name is `./gpt2`. dtype: float32 unless given,
    whatever the files hold. device: cpu, cuda, mps, or auto for the best there
    is. ops: `fused` to run, `plain` to read along.

    Raises WeightsError where the weights cannot be had or are not GPT-2's, and
    for a vocabulary of another size than the tokenizer's 50,257;
    `nextword.weights.load_model` loads such a model alone.
    """
    place = pick_device(device)
    if name_or_path in REPOSITORIES:
        directory = fetch(str(name_or_path))
    else:
        directory = Path(name_or_path).expanduser()
        if not directory.exists():
            raise WeightsError(
                f"{name_or_path} is neither a path that exists nor an official model. "
                f"Give {one_of(*KINDS, *REPOSITORIES)}."
            )
    stored = open_model(directory)
    if stored.config.n_vocab != N_VOCAB:
        raise WeightsError(
            f"{directory}: the model has a vocabulary of {stored.config.n_vocab}, and GPT-2's tokenizer has "
            f"{N_VOCAB} ids. Load such a model alone, for your own tokenizer: nextword.weights.load_model."
        )
    return assemble(stored, place, dtype, ops), Tokenizer()
