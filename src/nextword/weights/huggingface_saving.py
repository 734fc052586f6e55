"""Writing Hugging Face's layout, for transformers, vLLM, mlx-lm and llama.cpp's converter to read.

Source: transformers, class GPT2LMHeadModel.
"""

import json
from pathlib import Path

import torch

from nextword.model import GPT
from nextword.runtime import replacing
from nextword.tokenizer import save_tokenizer
from nextword.tokenizer.vocab import GPT2, N_VOCAB, Vocabulary
from nextword.weights.huggingface_config import CONFIG, WEIGHTS, config_values
from nextword.weights.names import tensor_names
from nextword.weights.tensor_file import save_tensors


def save_huggingface(model: GPT, directory: str | Path) -> None:
    """Save a GPT as a plain Hugging Face directory: configuration, weights in float32, tokenizer.

    No prefix, no head, no masks: each parameter once. The directory is made if
    need be, and every file is replaced as a whole, the weights last. A model
    that does not say what its ids stand for gets GPT-2's tokenizer, or none if
    its vocabulary is smaller than that.
    """
    directory = Path(directory).expanduser()
    directory.mkdir(parents=True, exist_ok=True)
    vocabulary: Vocabulary | None = model.vocabulary or (GPT2 if model.config.n_vocab >= N_VOCAB else None)
    about = config_values(model.config, vocabulary)
    with replacing(directory / CONFIG) as path:
        path.write_text(json.dumps(about, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if vocabulary is not None:
        save_tokenizer(directory, model.config.n_ctx, vocabulary)
    parameters = dict(model.named_parameters())
    tensors = {}
    for name in tensor_names(model.config.n_layer):
        values = parameters[name.ours].detach()
        tensors[name.ours] = (values.T if name.in_out else values).to("cpu", torch.float32).contiguous()
    with replacing(directory / WEIGHTS) as path:
        save_tensors(tensors, path)
