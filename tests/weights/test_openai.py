import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from transformers import GPT2LMHeadModel
from weights.conftest import TINY
from weights.make_openai_fixture import SIZES, shapes, values

from nextword.errors import WeightsError
from nextword.model import GPTConfig, fused, plain
from nextword.weights import load_model

HERE = Path(__file__).parent
IDS = torch.randint(61, (2, 16), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def expected_logits():
    """transformers' GPT-2, filled from the formula; the names are translated here by hand."""
    tensors = {}
    for name, shape in shapes(**SIZES["tiny"]).items():
        *path, last = re.sub(r"^model/(h)?", r"\1/", name).replace("/h", "h.", 1).strip("/").split("/")
        value = torch.from_numpy(values(name, shape))
        tensors[name] = value.squeeze(0) if len(shape) == 3 else value
    theirs = {}
    for name, tensor in tensors.items():
        key = name.removeprefix("model/").replace("/", ".")
        key = re.sub(r"^h(\d+)\.", r"h.\1.", key)
        key = re.sub(r"\.[gw]$", ".weight", key)
        key = re.sub(r"\.b$", ".bias", key)
        theirs[key if "." in key else f"{key}.weight"] = tensor
    model = GPT2LMHeadModel(TINY)
    model.transformer.load_state_dict(theirs)
    with torch.no_grad():
        return model.eval()(IDS).logits
